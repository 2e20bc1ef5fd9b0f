#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/rt/result.h"
#include "proto/rt/time.h"

namespace fieldpost::agent::runner {

inline constexpr std::size_t kSpecBytesMax = 1 << 20;
inline constexpr std::size_t kStepsMax = 256;
inline constexpr std::size_t kSecretsMax = 64;
inline constexpr std::size_t kSecretBytesMin = 4;  ///< shorter ones would mask half of the log
inline constexpr std::size_t kArtifactsMax = 64;
inline constexpr std::size_t kCachesMax = 16;
inline constexpr rt::Seconds kTimeoutMost{7 * 24 * 3600};
inline constexpr rt::Seconds kTimeoutPreset{3600};

using Pairs = std::vector<std::pair<std::string, std::string>>;  ///< in the order of their names

struct JobStep {
  std::string id;         ///< empty: nobody asks for its outputs
  std::string name;       ///< for people; may hold ${{ }}
  std::string condition;  ///< `if`; empty: success()
  std::string run;        ///< a script of bash
  Pairs env;
  std::string working_directory;  ///< in the workspace; empty: the workspace
  bool continue_on_error = false;
  rt::Seconds timeout{0};  ///< 0: only the job's
};

struct JobSource {
  std::string repository;  ///< a URL; empty: nothing is checked out
  std::string commit;      ///< 40 or 64 hex digits
  std::string ref;         ///< for people and the environment
};

struct JobLimits {
  std::uint64_t memory_max = 0;   ///< bytes; 0: none, as for the others
  std::uint64_t pids_max = 0;     ///< processes and threads
  std::uint64_t cpu_percent = 0;  ///< of one processor
};

struct JobArtifact {
  std::string name;                ///< of [A-Za-z0-9._-], unique in the job
  std::vector<std::string> paths;  ///< patterns of bash in the workspace
  std::string condition;           ///< empty: success()
};

/// Paths are in the workspace, or in the home directory where they begin with "~/".
struct JobCache {
  std::string key;
  std::vector<std::string> paths;
  std::vector<std::string> restore_keys;  ///< beginnings of keys that are better than none
};

/// What the coordinator wants done, as the runner needs it.
struct Job {
  std::string id;           ///< 32 hex digits
  std::uint64_t fence = 0;  ///< of the lease under which it was given out
  std::string build;
  std::string pipeline;
  std::string name;
  JobSource source;
  Pairs env;
  Pairs secrets;
  std::string context = "{}";  ///< a JSON object, for expressions
  std::vector<JobStep> steps;
  rt::Seconds timeout = kTimeoutPreset;
  rt::Seconds silence_timeout{0};  ///< 0: it may say nothing
  JobLimits limits;
  bool network = false;
  Pairs outputs;  ///< name to text with ${{ }}
  std::vector<JobArtifact> artifacts;
  std::vector<JobCache> caches;
};

[[nodiscard]] bool is_job_id(std::string_view text);
/// What an environment variable can be called.
[[nodiscard]] bool is_variable_name(std::string_view name);

/// kInvalid names the key and what was expected. Keys that are not known are passed over.
rt::Result<Job> parse_job(std::string_view json);
/// The spec as it is kept: what was interrupted is not gone on with, so nobody needs its secrets.
[[nodiscard]] std::string without_secrets(std::string_view json);

}  // namespace fieldpost::agent::runner
