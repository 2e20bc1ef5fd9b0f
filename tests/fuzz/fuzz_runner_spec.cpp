// What the agent sends the runner: a request, and the spec in it. What is taken keeps its bounds.
#include <cstdint>
#include <string_view>

#include "agent/runner/control/control_request.h"
#include "agent/runner/job/job.h"
#include "agent/runner/journal/facts.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fieldpost::agent::runner;  // NOLINT: what is tested
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (decode_artifact(text)) FP_CHECK(!ended_log_bytes(text));
  const auto request = parse_control_request(text);
  if (!request) {
    FP_CHECK(!request.error().message.empty());
    return 0;
  }
  const auto job = parse_job(request->spec);
  if (!job) {
    FP_CHECK(!job.error().message.empty());
    return 0;
  }
  FP_CHECK(is_job_id(job->id));
  FP_CHECK(!job->steps.empty() && job->steps.size() <= kStepsMax);
  FP_CHECK(job->timeout.count() > 0 && job->timeout <= kTimeoutMost);
  for (const auto& [name, value] : job->secrets) FP_CHECK(value.size() >= kSecretBytesMin);
  for (const JobArtifact& each : job->artifacts) {
    FP_CHECK(each.name.find('/') == std::string::npos && each.name != ".." && !each.paths.empty());
  }
  return 0;
}
