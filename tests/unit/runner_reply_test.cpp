// What the runner says, as lines.
#include "agent/builds/runner_reply.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "proto/wire/limits.h"

namespace fieldpost::agent {

using rt::Errc;

TEST_CASE("answers that are none are not understood") {
  const std::string job = R"("job":"00000000000000010000000000000002")";
  for (const std::string& line :
       {std::string(),
        std::string("7"),
        std::string("[]"),
        std::string("null"),
        std::string("{\"slots\":"),
        std::string("{\"a\":\"\xff\"}"),
        std::string(R"({"jobs":{}})"),
        std::string(R"({"jobs":[7]})"),
        std::string(R"({"jobs":[{}]})"),
        R"({"jobs":[{)" + job + R"(,"fence":0,"facts":1,"log_bytes":1}]})",
        R"({"jobs":[{)" + job + R"(,"fence":1,"facts":4294967296,"log_bytes":1}]})",
        R"({"jobs":[{)" + job + R"(,"fence":1,"facts":-1,"log_bytes":1}]})",
        std::string(R"({"facts":7})"),
        std::string(R"({"facts":[7]})"),
        std::string(R"({"facts":[{}]})"),
        std::string(R"({"facts":[{"type":7}]})"),
        R"({"facts":[{"type":"x","y":")" + std::string(wire::kBuildFactBytesMax, 'y') + "\"}]}",
        std::string(R"({"bytes":-1})"),
        std::string(R"({"bytes":"1"})"),
        std::string(R"({"bytes":1048577})"),
        "{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}",
        std::string(kRunnerLineBytesMax + 1, ' ')}) {
    INFO(line.substr(0, 100));
    const auto reply = parse_runner_reply(line);
    REQUIRE_FALSE(reply.has_value());
    CHECK(reply.error().code == Errc::kCorrupt);
  }
  CHECK(parse_runner_reply("{}").has_value());
  CHECK(parse_runner_reply(R"({"jobs":[{)" + job +
                           R"(,"fence":1,"facts":4294967295,"log_bytes":1,"more":[]}]})")
            .has_value());
  CHECK(parse_runner_reply(R"({"bytes":1048576,"ended":false})")->size == 1'048'576);
}

TEST_CASE("of more jobs than a runner may have the answer is not understood") {
  const auto jobs = [](std::size_t count) {
    nlohmann::json line = {{"jobs", nlohmann::json::array()}};
    for (std::size_t i = 0; i < count; ++i) {
      line["jobs"].push_back(
          {{"job", wire::JobId{1, i}.hex()}, {"fence", 1}, {"facts", 0}, {"log_bytes", 0}});
    }
    return parse_runner_reply(line.dump()).has_value();
  };
  CHECK(jobs(kRunnerJobsMax));
  CHECK_FALSE(jobs(kRunnerJobsMax + 1));
}

}  // namespace fieldpost::agent
