#include "proto/pipeline/job_spec.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "proto/pipeline/verdict.h"

using namespace fieldpost;            // NOLINT
using namespace fieldpost::pipeline;  // NOLINT
using nlohmann::json;

namespace {

JobSpec full_spec() {
  JobSpec spec;
  spec.job = std::string(32, 'a');
  spec.fence = UINT64_MAX;
  spec.build = 7;
  spec.pipeline = "nightly";
  spec.name = "test (linux)";
  spec.source = SourceSpec{"https://forge/x.git", std::string(40, 'c'), "refs/heads/main"};
  spec.env = {{"A", "1"}, {"B", "${{ matrix.os }}"}};
  spec.secrets = {{"TOKEN", "s"}};
  spec.context = R"({"matrix":{"os":"linux"}})";
  spec.steps = {{.id = "one",
                 .name = "One",
                 .condition = "always()",
                 .run = "make",
                 .env = {{"C", "2"}},
                 .working_directory = "src",
                 .continue_on_error = true,
                 .timeout_s = 60},
                {.run = "make check"}};
  spec.timeout_s = 3600;
  spec.silence_timeout_s = 600;
  spec.memory_max = std::uint64_t{1} << 33U;
  spec.pids_max = 100;
  spec.cpu_percent = 150;
  spec.network = false;
  spec.mode = BuildMode::kForce;
  spec.outputs = {{"version", "${{ steps.one.outputs.v }}"}};
  spec.artifacts = {{.name = "image", .paths = {"out/*.img"}, .condition = "success()"}};
  spec.cache = {
      {.key = "k-${{ hashFiles('lock') }}", .paths = {"~/.cache"}, .restore_keys = {"k-"}}};
  spec.continue_on_error = true;
  return spec;
}

/// What is said when `member` is `value`; null: when it is missing.
std::string problem(const std::string& pointer, const json& value) {
  json document = json::parse(*encode(full_spec()));
  const json::json_pointer at(pointer);
  if (value.is_null()) {
    document.at(at.parent_pointer()).erase(at.back());
  } else {
    document[at] = value;
  }
  const auto spec = decode_job_spec(document.dump());
  return spec ? "nothing" : spec.error().message;
}

bool names(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a job's spec comes back as it was") {
  const JobSpec spec = full_spec();
  const auto text = encode(spec);
  REQUIRE(text);
  const auto again = decode_job_spec(*text);
  REQUIRE(again);
  CHECK(*again == spec);
  JobSpec small;
  small.job = std::string(32, '0');
  small.pipeline = "p";
  small.name = "n";
  small.steps = {{.run = "true"}};
  const auto small_again = decode_job_spec(*encode(small));
  REQUIRE(small_again);
  CHECK(*small_again == small);
}

TEST_CASE("a member that is missing, unknown or wrong is named by its path") {
  CHECK(names(problem("/job", nullptr), "\"job\": expected"));
  CHECK(names(problem("/job", std::string(32, 'G')), "\"job\": expected 32 hex digits"));
  CHECK(names(problem("/pipeline", ""), "\"pipeline\": expected"));
  CHECK(names(problem("/name", 5), "\"name\": expected a string"));
  CHECK(names(problem("/fence", -1), "\"fence\": expected an integer"));
  CHECK(names(problem("/fence", 1.5), "\"fence\": expected an integer"));
  CHECK(names(problem("/extra", 1), "\"extra\": nothing has this name here; expected job, "));
  CHECK(names(problem("/network", "no"), "\"network\": expected true or false"));
  CHECK(names(problem("/mode", "wipe"), "\"mode\": expected update, strict or force"));
  CHECK(names(problem("/context", json::array()), "\"context\": expected an object"));
  CHECK(names(problem("/env/A", 1), "\"env\": expected an object of"));
  CHECK(names(problem("/source", "x"), "\"source\": expected an object"));
  CHECK(names(problem("/source/commit", nullptr), "\"source/commit\": expected"));
  CHECK(names(problem("/steps", json::array()), "\"steps\": expected at least one"));
  CHECK(names(problem("/steps", json::object()), "\"steps\": expected a list"));
  CHECK(names(problem("/steps/1/run", nullptr), "\"steps/1/run\": expected"));
  CHECK(names(problem("/steps/0/shell", "sh"), "\"steps/0/shell\": nothing has this name"));
  CHECK(names(problem("/artifacts/0/paths", json::array()), "\"artifacts/0/paths\": expected"));
  CHECK(names(problem("/artifacts/0/paths", {1}), "\"artifacts/0/paths\": expected a list"));
  CHECK(names(problem("/cache/0/key", nullptr), "\"cache/0/key\": expected"));
}

TEST_CASE("a spec is bounded in each of its parts and as a whole") {
  CHECK(problem("/steps/1/run", std::string(kRunBytesMax, 'x')) == "nothing");
  CHECK(names(problem("/steps/1/run", std::string(kRunBytesMax + 1, 'x')), "\"steps/1/run\""));
  CHECK(names(problem("/steps", json(kStepsMax + 1, json{{"run", "x"}})), "at most 256 objects"));
  CHECK(names(problem("/timeout_s", kSecondsMax + 1), "\"timeout_s\""));
  CHECK(names(problem("/cpu_percent", kCpuPercentMax + 1), "\"cpu_percent\""));
  CHECK(names(problem("/pids_max", kPidsMax + 1), "\"pids_max\""));
  CHECK(names(problem("/memory_max", UINT64_MAX), "\"memory_max\""));
  CHECK(names(problem("/env/" + std::string(kNameBytesMax + 1, 'A'), "x"), "\"env\""));
  JobSpec spec = full_spec();
  spec.steps.assign(3, {.run = std::string(kRunBytesMax, 'x')});
  const auto text = encode(spec);
  REQUIRE_FALSE(text);
  CHECK(text.error().code == rt::Errc::kFull);
  CHECK_FALSE(decode_job_spec(std::string(kJobSpecBytesMax + 1, ' ')));
  CHECK_FALSE(decode_job_spec(std::string(100, '[')));
  CHECK_FALSE(decode_job_spec("[]"));
  CHECK_FALSE(decode_job_spec("{"));
}

TEST_CASE("verdicts and modes have one name each") {
  for (const Verdict verdict : kVerdicts) {
    INFO(to_string(verdict));
    CHECK(parse_verdict(to_string(verdict)) == verdict);
  }
  CHECK(to_string(Verdict::kOutOfMemory) == "out_of_memory");
  CHECK_FALSE(parse_verdict("lost").has_value());
  CHECK(parse_build_mode("strict") == BuildMode::kStrict);
  CHECK_FALSE(parse_build_mode("").has_value());
}
