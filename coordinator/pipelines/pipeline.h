#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/pipelines/problems.h"
#include "proto/pipeline/job_spec.h"
#include "proto/pipeline/verdict.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"

/// What a pipeline's file says. All of it was checked; texts may have `${{ }}` in them.
namespace fieldpost::coordinator {

using pipeline::TextMap;

inline constexpr std::size_t kJobsMax = 256;  ///< of a file
inline constexpr std::size_t kInputsMax = 64;
inline constexpr std::size_t kLegsMax = 256;  ///< of a matrix
inline constexpr std::size_t kRetriesMax = 10;
inline constexpr std::size_t kMissedMax = 100;  ///< runs that `run_all` makes up for
inline constexpr int kPriorityMax = 100;        ///< and its negative

/// Empty lists let everything through. Patterns are GitHub's: *, **, ?, [], !.
struct RefFilter {
  std::vector<std::string> branches, branches_ignore, tags, tags_ignore, paths, paths_ignore;
};

enum class Missed : std::uint8_t { kSkip, kRunOnce, kRunAll };
/// A time at which a build begins.
struct Schedule {
  std::string cron;              ///< five fields
  std::string timezone = "UTC";  ///< of the IANA database
  Missed missed = Missed::kSkip;
  std::size_t missed_max = 1;         ///< of kRunAll
  rt::Nanos grace = rt::Seconds{60};  ///< so much later it is not missed yet
};

enum class InputType : std::uint8_t { kString, kBoolean, kNumber, kChoice };
struct Input {
  std::string name, description;
  InputType type = InputType::kString;
  bool required = false;
  std::optional<std::string> otherwise;  ///< its default; of its type, or `$NAME`
  std::vector<std::string> options;      ///< of kChoice
  Place place;
};

/// How a pipeline is used by others.
struct CallTrigger {
  std::vector<Input> inputs;
  std::map<std::string, bool> secrets;  ///< name to whether it is required
  TextMap outputs;                      ///< name to text over `jobs`
};

/// Another pipeline came to one of these verdicts.
struct PipelineTrigger {
  std::string name;
  std::vector<pipeline::Verdict> verdicts;
};

struct Triggers {
  std::optional<RefFilter> push, pull_request;
  std::vector<Schedule> schedules;
  bool by_hand = false;                ///< workflow_dispatch
  std::vector<Input> dispatch_inputs;  ///< of that
  std::optional<CallTrigger> call;
  std::vector<PipelineTrigger> pipelines;

  [[nodiscard]] const CallTrigger& called() const { return (FP_CHECK(call.has_value()), *call); }
};

/// What is given to a used pipeline; a text of the form `$NAME` is looked up when a build is
/// planned.
struct Argument {
  std::string name, text;
  Place place;
};

/// A pipeline used by a job or a step.
struct PipelineCall {
  std::string file;  ///< beside the file that uses it
  std::vector<Argument> arguments;
  bool hands_on_secrets = false;  ///< `secrets: inherit`
  TextMap secrets;                ///< their name there to the one here
  Place place;
};

struct Step {
  pipeline::StepSpec spec;
  std::string continue_on_error;     ///< true, false or a text for when a build is planned
  std::optional<PipelineCall> call;  ///< in place of `run`
  Place place;

  [[nodiscard]] const PipelineCall& used() const { return (FP_CHECK(call.has_value()), *call); }
};

/// Values are JSON texts.
struct Matrix {
  using Values = std::vector<std::pair<std::string, std::string>>;
  std::vector<std::pair<std::string, std::vector<std::string>>> axes;
  std::vector<Values> include, exclude;
  [[nodiscard]] bool empty() const { return axes.empty() && include.empty(); }
};

struct Retry {
  std::size_t count_max = 0;                ///< beside the first try
  std::vector<pipeline::Verdict> verdicts;  ///< after which it is tried again
  rt::Nanos backoff = rt::Seconds{10};      ///< before the first; doubles
};

struct Job {
  std::string id, name;
  Place place;
  std::vector<std::string> needs;
  std::string condition;
  std::vector<std::string> labels;  ///< of `runs-on`; none: any runner
  Matrix matrix;
  bool fail_fast = true;
  std::size_t parallel_max = 0;  ///< 0: no bound
  std::vector<Step> steps;
  std::optional<PipelineCall> call;  ///< in place of steps
  TextMap env;                       ///< with the pipeline's
  TextMap outputs;
  std::string continue_on_error;
  std::uint32_t timeout_s = 0, silence_timeout_s = 0;  ///< 0: as the coordinator is configured
  std::uint64_t memory_max = 0;
  std::uint32_t pids_max = 0, cpu_percent = 0;
  bool network = true;
  pipeline::BuildMode mode = pipeline::BuildMode::kUpdate;
  int priority = 0;  ///< higher ones go first
  std::vector<pipeline::ArtifactSpec> artifacts;
  std::vector<pipeline::CacheSpec> cache;
  Retry retry;
  std::set<std::string> secrets;  ///< names that its texts use

  [[nodiscard]] const PipelineCall& used() const { return (FP_CHECK(call.has_value()), *call); }
};

struct Pipeline {
  std::string file, name;
  Triggers on;
  std::string concurrency_group;   ///< a text; empty: builds do not exclude each other
  std::string cancel_in_progress;  ///< true, false or a text
  std::vector<Job> jobs;           ///< as they stand in the file, but none before what it needs
};

[[nodiscard]] std::string_view to_string(InputType type);  ///< "boolean"
[[nodiscard]] std::string_view to_string(Missed missed);   ///< "run_once"

/// Looks at one file by itself. nullopt: there were problems.
std::optional<Pipeline> read_pipeline(const std::string& file, std::string_view text,
                                      Problems& problems);

}  // namespace fieldpost::coordinator
