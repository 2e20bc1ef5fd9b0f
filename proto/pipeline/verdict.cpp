#include "proto/pipeline/verdict.h"

#include <algorithm>

#include "proto/rt/result.h"

namespace fieldpost::pipeline {

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed: return "passed";
    case Verdict::kFailed: return "failed";
    case Verdict::kCancelled: return "cancelled";
    case Verdict::kTimedOut: return "timed_out";
    case Verdict::kSilent: return "silent";
    case Verdict::kOutOfMemory: return "out_of_memory";
    case Verdict::kDiskFull: return "disk_full";
    case Verdict::kInterrupted: return "interrupted";
    case Verdict::kAgentLost: return "agent_lost";
  }
  FP_CHECK(false);
}

std::optional<Verdict> parse_verdict(std::string_view name) {
  const auto found =
      std::ranges::find_if(kVerdicts, [&](Verdict each) { return to_string(each) == name; });
  return found == kVerdicts.end() ? std::nullopt : std::optional(*found);
}

}  // namespace fieldpost::pipeline
