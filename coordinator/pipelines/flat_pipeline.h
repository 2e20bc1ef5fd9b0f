#pragma once

#include <bitset>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/pipelines/pipeline.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kCallDepthMax = 10;    ///< of pipelines that use pipelines
inline constexpr std::size_t kFlatJobsMax = 1'000;  ///< of a pipeline with all that it uses
inline constexpr std::size_t kCallsMax = 256;
/// Jobs that were looked at, those of pipelines that are used again included.
inline constexpr std::size_t kFlatWorkMax = 4 * kFlatJobsMax;
inline constexpr std::size_t kFlatTextBytesMax = 8 * 1024 * 1024;  ///< of steps and variables

/// A use of a pipeline: what its jobs or steps see as `inputs`, and whose secrets theirs are.
struct CallScope {
  std::size_t parent = 0;     ///< index of the one that uses it; of the first one itself
  std::vector<Input> inputs;  ///< declared
  std::vector<Argument> arguments;
  bool hands_on_secrets = true;
  TextMap secrets;  ///< name here to name in the parent
};

/// By index in the flat pipeline's jobs.
using JobSet = std::bitset<kFlatJobsMax>;

/// Whose results `needs.<name>` are.
struct FlatNeed {
  std::string name;
  JobSet jobs;
  /// Of a used pipeline: its outputs, texts over `jobs`, which are these. Otherwise both are empty,
  /// and the outputs are those of the one job.
  TextMap outputs;
  std::vector<std::shared_ptr<const FlatNeed>> called;
  std::size_t scope = 0;  ///< index of the CallScope that `outputs` are in
};

/// A condition, and what has to be over before it can be looked at.
struct FlatGate {
  std::string condition;
  std::vector<std::shared_ptr<const FlatNeed>> needs;
  std::size_t scope = 0;  ///< index of a CallScope
};
/// From the outermost one, of a job that uses a pipeline, to the job's own.
using FlatGates = std::vector<std::shared_ptr<const FlatGate>>;

struct FlatJob {
  std::string id;  ///< "deploy/test": the job `test` of what `deploy` uses
  Job job;
  std::size_t scope = 0;
  FlatGates gates;
  std::vector<std::size_t> step_scopes;  ///< of steps that came from used pipelines: calls.cN
};

/// A pipeline with everything it uses in place.
struct FlatPipeline {
  Pipeline main;
  std::vector<CallScope> scopes;  ///< the first is of the pipeline itself
  std::vector<FlatJob> jobs;      ///< each behind what it needs
};

/// Text of a file beside the pipeline's; kNotFound when there is none.
using LoadFile = std::function<rt::Result<std::string>(const std::string& file)>;

/// Reads a pipeline and what it uses, depth first; what is used a second time with the same
/// arguments and conditions runs once. nullopt: there were problems, all of which are told.
std::optional<FlatPipeline> load_pipeline(const std::string& file, const LoadFile& load,
                                          Problems& problems);

}  // namespace fieldpost::coordinator
