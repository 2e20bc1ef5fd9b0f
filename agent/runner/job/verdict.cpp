#include "agent/runner/job/verdict.h"

namespace fieldpost::agent::runner {

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
  }
  return "failed";
}

}  // namespace fieldpost::agent::runner
