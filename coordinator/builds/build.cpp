#include "coordinator/builds/build.h"

#include <algorithm>
#include <array>

namespace fieldpost::coordinator {
namespace {

constexpr std::array kStates = {BuildState::kQueued, BuildState::kRunning, BuildState::kEnded};
constexpr std::array kVerdicts = {
    BuildVerdict::kPassed,   BuildVerdict::kFailed,      BuildVerdict::kCancelled,
    BuildVerdict::kTimedOut, BuildVerdict::kSilent,      BuildVerdict::kOutOfMemory,
    BuildVerdict::kDiskFull, BuildVerdict::kInterrupted, BuildVerdict::kAgentLost,
};

/// The one of `all` that is called this.
template <typename Named, std::size_t kCount>
std::optional<Named> find_named(const std::array<Named, kCount>& all, std::string_view name) {
  const auto found =
      std::ranges::find_if(all, [&](const Named each) { return to_string(each) == name; });
  return found == all.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

std::string_view to_string(BuildState state) {
  switch (state) {
    case BuildState::kQueued: return "queued";
    case BuildState::kRunning: return "running";
    case BuildState::kEnded: return "ended";
  }
  return "";
}

std::string_view to_string(JobState state) {
  switch (state) {
    case JobState::kWaiting: return "waiting";
    case JobState::kQueued: return "queued";
    case JobState::kLeased: return "leased";
    case JobState::kEnded: return "ended";
  }
  return "";
}

std::string_view to_string(BuildVerdict verdict) {
  switch (verdict) {
    case BuildVerdict::kPassed: return "passed";
    case BuildVerdict::kFailed: return "failed";
    case BuildVerdict::kCancelled: return "cancelled";
    case BuildVerdict::kTimedOut: return "timed_out";
    case BuildVerdict::kSilent: return "silent";
    case BuildVerdict::kOutOfMemory: return "out_of_memory";
    case BuildVerdict::kDiskFull: return "disk_full";
    case BuildVerdict::kInterrupted: return "interrupted";
    case BuildVerdict::kAgentLost: return "agent_lost";
  }
  return "";
}

std::optional<BuildState> parse_build_state(std::string_view name) {
  return find_named(kStates, name);
}

std::optional<BuildVerdict> parse_build_verdict(std::string_view name) {
  return find_named(kVerdicts, name);
}

}  // namespace fieldpost::coordinator
