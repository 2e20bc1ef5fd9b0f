#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/pipelines/flat_pipeline.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kPlannedJobsMax = 1'000;
inline constexpr std::size_t kPlanBytesMax = 32 * 1024 * 1024;  ///< of all specs as JSON

/// Where arguments of the form `$NAME` are looked up, one after the other; the default of the input
/// that it is given to comes last.
struct ArgumentSources {
  TextMap environment, command_line, config, defaults;
};

struct PlanRequest {
  std::uint64_t build = 0;
  bool by_hand = false;  ///< inputs that are required must be there
  TextMap inputs;
  /// A JSON object: what is known of the event, as the contexts `github`, `fieldpost` and `vars`.
  std::string context = "{}";
  ArgumentSources arguments;
  std::optional<pipeline::SourceSpec> source;
};

struct PlannedJob {
  std::size_t flat_job = 0;  ///< index of its FlatJob; legs of a matrix share it
  std::string name;          ///< "deploy/test (linux, 3)"; different within a plan
  FlatGates gates;           ///< all have to hold
  std::vector<std::string> labels;
  bool fail_fast = true;         ///< of all legs
  std::size_t parallel_max = 0;  ///< legs at a time; 0: no bound
  int priority = 0;
  Retry retry;
  TextMap secrets;  ///< names in the job to names that the coordinator knows
  /// Without `job`, `fence` and `secrets`, and with nothing under `needs` in its context.
  pipeline::JobSpec spec;
};

struct Plan {
  std::vector<PlannedJob> jobs;  ///< each behind what it needs
  /// By the scope of a gate or a need: the contexts of its expressions, a JSON object as text, in
  /// which `needs` (of a condition) or `jobs` (of outputs) are still to come.
  std::vector<std::string> contexts;
  std::string concurrency_group;
  bool cancel_in_progress = false;
};

/// The jobs of one build; the same for the same request. nullopt: there were problems, among them
/// each argument that nothing gives a value.
std::optional<Plan> plan(const FlatPipeline& pipeline, const PlanRequest& request,
                         Problems& problems);

}  // namespace fieldpost::coordinator
