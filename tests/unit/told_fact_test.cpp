// What facts of jobs say.
#include "coordinator/builds/told_fact.h"

#include <doctest/doctest.h>

#include <string>
#include <variant>

#include "tests/support/sample_builds.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested

std::string why(const std::string& json) {
  const auto fact = read_fact(json);
  if (fact) return "a fact";
  CHECK(fact.error().code == rt::Errc::kInvalid);
  return fact.error().message;
}

/// `text` with `old` in it exchanged.
std::string with(std::string text, std::string_view old, std::string_view instead) {
  const std::size_t at = text.find(old);
  REQUIRE(at != std::string::npos);
  return text.replace(at, old.size(), instead);
}

}  // namespace

TEST_CASE("facts say what they say [build-2]") {
  const auto started = read_fact(started_fact(5));
  REQUIRE_MESSAGE(started, started.error().message);
  CHECK(started->type == "started");
  CHECK(std::get<StartedFact>(started->content).time == 5);
  const auto artifact = read_fact(artifact_fact("app.deb", "bytes"));
  REQUIRE_MESSAGE(artifact, artifact.error().message);
  const auto& made = std::get<ArtifactFact>(artifact->content);
  CHECK(made.name == "app.deb");
  CHECK(made.path == "out/app.deb");
  CHECK(made.size == 5);
  CHECK(made.sha256 == wire::sha256("bytes"));
  const auto ended = read_fact(ended_fact("timed_out", 17, 99));
  REQUIRE_MESSAGE(ended, ended.error().message);
  const auto& end = std::get<EndedFact>(ended->content);
  CHECK(end.verdict == BuildVerdict::kTimedOut);
  CHECK(end.why == "so");
  CHECK(end.outputs == R"({"a":"1"})");
  CHECK(end.log_bytes == 17);
  CHECK(end.time == 99);
}

TEST_CASE("members and types of facts that nobody knows are no fault") {
  const auto step = read_fact(R"({"type":"step_started","step":1,"name":"make"})");
  REQUIRE(step.has_value());
  CHECK(step->type == "step_started");
  CHECK(std::holds_alternative<OtherFact>(step->content));
  CHECK(read_fact(with(started_fact(5), "}", R"(,"sandbox":{"limits":"cgroup v2"}})")));
  const auto bare = read_fact(R"({"type":"ended","verdict":"passed","log_bytes":0,"time_ns":1})");
  REQUIRE(bare.has_value());
  CHECK(std::get<EndedFact>(bare->content).outputs == "{}");
}

TEST_CASE("a fact with a wrong member is refused by its name") {
  CHECK(why("[]") == "build fact: expected a JSON object");
  CHECK(why(R"({"type":""})") == "build fact: \"type\": expected a string of 1 to 64 bytes");
  CHECK(why(R"({"type":"started"})") ==
        "build fact: \"time_ns\": expected an integer from 0 to 9223372036854775807");
  const std::string ended = ended_fact("passed", 17);
  const std::string verdict =
      "build fact: \"verdict\": expected a verdict of a runner, such as passed or failed";
  CHECK(why(with(ended, "passed", "perfect")) == verdict);
  CHECK(why(with(ended, "passed", "agent_lost")) == verdict);
  CHECK(why(with(ended, ":17", ":-1")) ==
        "build fact: \"log_bytes\": expected an integer from 0 to 9223372036854775807");
  CHECK(why(with(ended, ":17", ":9223372036854775808")) ==
        "build fact: \"log_bytes\": expected an integer");
  CHECK(why(with(ended, "\"1\"", "1")) == "build fact: \"outputs\": expected an object of strings");
  CHECK(why(with(ended, "\"so\"", "[]")) ==
        "build fact: \"why\": expected a string of at most 65536 bytes");
  const std::string artifact = artifact_fact("a", "bytes");
  CHECK(why(with(artifact, "\"name\":\"a\"", "\"name\":\"\"")) ==
        "build fact: \"name\": expected a string of 1 to 255 bytes");
  CHECK(why(with(artifact, "\"size\":5", "\"size\":4294967297")) ==
        "build fact: \"size\": expected an integer from 0 to 4294967296");
  CHECK(why(with(artifact, "\"sha256\":\"", "\"sha256\":\"0")) ==
        "build fact: \"sha256\": expected 64 lower-case hex digits");
}

}  // namespace fieldpost::test
