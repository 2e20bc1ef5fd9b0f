#pragma once

#include <functional>
#include <string>

#include "tools/cli/study.h"

namespace CLI {
class App;
}

namespace fieldpost::cli {

/// What the command line says to the verbs about experiments.
struct StudyArguments {
  std::string experiment, state;
  ExperimentEdit edit;
  MembersToAdd members;
  StateChange change;
  ConfigOptions config;
  std::string sensors_file;
  ProgressOptions progress;
  RecordingStart start;
  RecordingStop stop;
  LogbookEntry entry;
  ExportOptions exported;
  ImportOptions imported;
  std::string mapping_file;
};

/// How a program adds a verb, and what it runs when that verb was chosen.
struct VerbAdder {
  std::function<CLI::App*(CLI::App& parent, const char* name, const char* what)> add;
  std::function<void(std::function<int(Context&)>)> choose;
};

/// `experiment`, `recording`, `logbook`, `export` and `import`. `arguments` outlives the parsing.
void add_study_verbs(CLI::App& app, StudyArguments& arguments, const VerbAdder& verbs);

}  // namespace fieldpost::cli
