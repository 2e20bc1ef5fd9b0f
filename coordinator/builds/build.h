#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/build.h"
#include "proto/wire/ids.h"

/// Builds and their jobs, as the store keeps them. Times are ns since 1970.
namespace fieldpost::coordinator {

inline constexpr std::size_t kBuildsOpenMax = 10'000;       ///< queued and running ones
inline constexpr std::size_t kBuildJobsMax = 1024;          ///< of one build
inline constexpr std::size_t kBuildTextBytesMax = 1 << 20;  ///< of trigger, source and plan, each
inline constexpr std::size_t kBuildNameBytesMax = 1024;     ///< of every other text
inline constexpr std::size_t kJobListMax = 1024;            ///< of labels and needs, each
/// No attempt of a job has a higher one: numbers that JSON's readers agree on end here.
inline constexpr std::uint64_t kFenceMax = 1ull << 53;

/// As stored.
enum class BuildState : std::uint8_t { kQueued = 1, kRunning = 2, kEnded = 3 };
enum class JobState : std::uint8_t {
  kWaiting = 1,  ///< for jobs that it needs
  kQueued = 2,   ///< for a runner
  kLeased = 3,   ///< a node has it
  kEnded = 4,
};
[[nodiscard]] std::string_view to_string(BuildState state);
[[nodiscard]] std::string_view to_string(JobState state);
[[nodiscard]] std::optional<BuildState> parse_build_state(std::string_view name);

/// How a job or a build ended. Stored by its name.
enum class BuildVerdict : std::uint8_t {
  kPassed,
  kFailed,
  kCancelled,
  kTimedOut,
  kSilent,
  kOutOfMemory,
  kDiskFull,
  kInterrupted,
  kAgentLost,  ///< what the coordinator says when its lease ends without a verdict [build-5]
};
[[nodiscard]] std::string_view to_string(BuildVerdict verdict);  ///< "out_of_memory"
[[nodiscard]] std::optional<BuildVerdict> parse_build_verdict(std::string_view name);

struct Build {
  std::int64_t no = 0;  ///< the number that users see, from 1
  std::string pipeline;
  std::string ref, commit;
  std::string actor;  ///< who or what began it
  std::int64_t priority = 0;
  std::string concurrency;      ///< group; empty: none
  std::string mode = "update";  ///< what is done about a workspace that is there
  std::int64_t created = 0;
  BuildState state = BuildState::kQueued;
  std::optional<BuildVerdict> verdict;
  std::optional<std::int64_t> started;  ///< when its first job went to a node
  std::optional<std::int64_t> ended;
  // Lists leave these out.
  std::string trigger = "{}";  ///< JSON
  std::string source;          ///< the pipeline's YAML
  std::string plan = "{}";     ///< JSON
};

/// Which node has a job. Of one that has ended: had it.
struct JobLease {
  std::string node;
  wire::Id128 boot;
  std::uint64_t command = 0;
  std::int64_t leased = 0;
  bool operator==(const JobLease&) const = default;
};

struct BuildJob {
  std::int64_t no = 0;
  std::int64_t build = 0;
  wire::JobId id;
  std::int64_t place = 0;  ///< in its build, from 0
  std::string key, name;   ///< in the plan, and for people
  std::vector<std::string> labels;
  std::vector<std::string> needs;  ///< keys
  std::string spec;                ///< JSON, as planned: the fence that counts is the one below
  JobState state = JobState::kWaiting;
  std::uint64_t fence = 1;  ///< of the attempt that counts
  std::int64_t attempt = 1;
  std::optional<JobLease> lease;
  std::optional<BuildVerdict> verdict;
  std::string why;
  std::optional<std::int64_t> started, ended;  ///< as the node told
  std::string outputs = "{}";                  ///< a JSON object of texts
  std::optional<std::uint64_t> log_bytes;      ///< as the node told at its end

  [[nodiscard]] wire::JobAttempt current() const { return {id, fence}; }
};

}  // namespace fieldpost::coordinator
