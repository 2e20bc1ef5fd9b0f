#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli/context.h"

/// The verbs about experiments; every one returns the exit code.
namespace fieldpost::cli {

int list_experiments(Context& context, const std::string& state);
int show_experiment(Context& context, const std::string& experiment);

struct ExperimentEdit {
  std::string name;
  std::optional<std::string> description, owner, config, new_name;
  std::vector<std::string> nodes;  ///< patterns; none: left as they are
};
int create_experiment(Context& context, const ExperimentEdit& edit);
int edit_experiment(Context& context, const ExperimentEdit& edit);

struct MembersToAdd {
  std::string experiment;
  std::vector<std::string> participants, operators, tasks;
};
/// Those that are there already stay as they are.
int add_members(Context& context, const MembersToAdd& members);

struct StateChange {
  std::string experiment, state, by;
  bool incomplete = false;
};
int change_state(Context& context, const StateChange& change);

struct ConfigOptions {
  std::string name;                    ///< empty: all are listed
  std::optional<std::string> sensors;  ///< JSON: made of these, or given these
  std::string clone;                   ///< made of another
  bool create = false;                 ///< without sensors and clone: of the defaults
  std::uint64_t version = 0;           ///< to show; 0: the newest
};
int run_config(Context& context, const ConfigOptions& options);

struct ProgressOptions {
  std::string experiment;
  std::string participant, task, state, note;  ///< of a mark; no state: it is shown
};
int run_progress(Context& context, const ProgressOptions& options);

int list_recordings(Context& context, const std::string& experiment);
struct RecordingStart {
  std::string experiment, participant, task, member_operator, time, stop, by;
  std::vector<std::string> nodes;
};
int start_recording(Context& context, const RecordingStart& start);
struct RecordingStop {
  std::string experiment, recording, time, by;  ///< no recording: the one that is open
  bool all = false;                             ///< all that are open
};
int stop_recording(Context& context, const RecordingStop& stop);

int show_logbook(Context& context, const std::string& experiment);
/// Attachments are also readings of this series, of the experiment's tag.
inline constexpr const char* kLogbookMeasurement = "fieldpost_logbook";
struct LogbookEntry {
  std::string experiment, text, author, participant, recording, time;
  std::vector<std::string> attachments;  ///< paths of files
};
int write_logbook(Context& context, const LogbookEntry& entry);

struct ExportOptions {
  std::string experiment;
  std::string format, from, to, time;  ///< as the API takes them; empty: its default
  std::vector<std::string> participants, tasks, sensors;
  std::string id;   ///< one that was asked for before, instead of a new one
  std::string out;  ///< file; "-": standard output; empty: named by the experiment
  bool list = false;
  bool remove = false;   ///< the one of `id`
  bool no_wait = false;  ///< only ask for it
};
int run_export(Context& context, const ExportOptions& options);

struct ImportOptions {
  std::string file;
  std::string format, node, node_from, precision, delimiter;  ///< as the API takes them
  std::vector<std::string> columns;
  std::optional<std::string> mapping;  ///< JSON
  bool again = false;                  ///< although it was brought in before
  bool no_wait = false;                ///< only send it
  bool list = false;
  std::string remove;  ///< id of one that is not done
};
int run_import(Context& context, const ImportOptions& options);

/// "/api/v1/experiments/NAME" and what follows.
[[nodiscard]] std::string experiment_path(const std::string& experiment,
                                          const std::string& rest = {});

}  // namespace fieldpost::cli
