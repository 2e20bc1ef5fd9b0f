// What the runner says: taken within its bounds, or refused with a reason.
#include <cstdint>
#include <string_view>

#include "agent/builds/runner_reply.h"
#include "proto/wire/limits.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fieldpost;         // NOLINT: what is tested
  using namespace fieldpost::agent;  // NOLINT
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto reply = parse_runner_reply(line);
  if (!reply) return 0;
  FP_CHECK(size <= kRunnerLineBytesMax);
  FP_CHECK(reply->size <= kRunnerBytesMax && reply->bytes.empty());
  if (reply->jobs) {
    FP_CHECK(reply->jobs->size() <= kRunnerJobsMax);
    for (const RunnerJob& each : *reply->jobs) {
      FP_CHECK(!each.attempt.job.is_zero() && each.attempt.fence > 0);
    }
  }
  for (const RunnerFact& each : reply->facts) {
    // The coordinator takes what an agent makes of it.
    FP_CHECK(each.text.size() <= wire::kBuildFactBytesMax);
    const wire::BuildFact fact{{{1, 2}, 1}, 0, each.text};
    const auto told = wire::decode_build_fact(wire::encode(fact));
    FP_CHECK(told && *told == fact);
  }
  return 0;
}
