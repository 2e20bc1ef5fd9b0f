#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/result.h"

namespace fieldpost::pipeline {

inline constexpr std::size_t kJobSpecBytesMax = 128 * 1024;  ///< as JSON
inline constexpr std::size_t kStepsMax = 256;
inline constexpr std::size_t kRunBytesMax = 64 * 1024;
inline constexpr std::size_t kNameBytesMax =
    256;  ///< of jobs, steps, variables, outputs, artifacts
inline constexpr std::size_t kTextBytesMax = 32 * 1024;  ///< values, expressions, paths
inline constexpr std::size_t kEntriesMax = 256;          ///< of each list and each map
inline constexpr std::uint32_t kSecondsMax = 30 * 86'400;
inline constexpr std::uint32_t kPidsMax = 1'000'000;
inline constexpr std::uint32_t kCpuPercentMax = 100'000;  ///< of one core

using TextMap = std::map<std::string, std::string>;

/// What is done about a working directory that an earlier job left: it is built upon, refused, or
/// emptied.
enum class BuildMode : std::uint8_t { kUpdate, kStrict, kForce };
[[nodiscard]] std::string_view to_string(BuildMode mode);  ///< "update"
[[nodiscard]] std::optional<BuildMode> parse_build_mode(std::string_view name);

struct SourceSpec {
  std::string repository, commit, ref;
  bool operator==(const SourceSpec&) const = default;
};

/// Texts may have `${{ }}` in them, but for `id`; `condition` is an expression, empty: success().
struct StepSpec {
  std::string id, name, condition, run;
  TextMap env;
  std::string working_directory;  ///< relative to the workspace; empty: that itself
  bool continue_on_error = false;
  std::uint32_t timeout_s = 0;  ///< 0: the job's alone
  bool operator==(const StepSpec&) const = default;
};

struct ArtifactSpec {
  std::string name;
  std::vector<std::string> paths;  ///< patterns, relative to the workspace
  std::string condition;           ///< as a step's
  bool operator==(const ArtifactSpec&) const = default;
};

struct CacheSpec {
  std::string key;                               ///< with `${{ }}`
  std::vector<std::string> paths, restore_keys;  ///< the keys with `${{ }}`
  bool operator==(const CacheSpec&) const = default;
};

/// Everything that a runner has to know of a job.
struct JobSpec {
  std::string job;          ///< 32 hex digits
  std::uint64_t fence = 0;  ///< of two specs of one job the higher one counts
  std::uint64_t build = 0;
  std::string pipeline, name;
  std::optional<SourceSpec> source;  ///< none: an empty workspace
  TextMap env;
  TextMap secrets;
  /// A JSON object, as text: the contexts of its expressions that are known beforehand (github,
  /// fieldpost, vars, inputs, matrix, needs, calls). `env`, `secrets`, `steps`, `job` and `runner`
  /// are the runner's.
  std::string context = "{}";
  std::vector<StepSpec> steps;
  std::uint32_t timeout_s = 0;  ///< of the whole; 0 here and below: no bound
  std::uint32_t silence_timeout_s = 0;
  std::uint64_t memory_max = 0;  ///< bytes
  std::uint32_t pids_max = 0;
  std::uint32_t cpu_percent = 0;  ///< 200: two cores
  bool network = true;
  BuildMode mode = BuildMode::kUpdate;
  TextMap outputs;  ///< name to text with `${{ }}`
  std::vector<ArtifactSpec> artifacts;
  std::vector<CacheSpec> cache;
  bool continue_on_error = false;
  bool operator==(const JobSpec&) const = default;
};

/// kFull: longer than kJobSpecBytesMax.
rt::Result<std::string> encode(const JobSpec& spec);
/// kInvalid names the first member that is wrong, unknown or too large, by its path
/// ("steps/2/run"). What is absent has its default, but job, pipeline, name and steps.
rt::Result<JobSpec> decode_job_spec(std::string_view json);

}  // namespace fieldpost::pipeline
