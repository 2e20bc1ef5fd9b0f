#include "tools/cli/study_arguments.h"

#include <CLI/CLI.hpp>
#include <optional>
#include <utility>

#include "proto/rt/system_files.h"

namespace fieldpost::cli {
namespace {

constexpr std::size_t kMappingBytesMax = 64 * 1024;
constexpr std::size_t kSensorsBytesMax = 4 << 20;

/// Of options that are absent unless they are given.
void add_text(CLI::App* verb, const char* name, std::optional<std::string>& out, const char* what) {
  verb->add_option_function<std::string>(
      name, [&out](const std::string& text) { out = text; }, what);
}

void add_experiment(CLI::App* verb, std::string& out) {
  verb->add_option("experiment", out, "Its name or id")->required();
}

void add_edit_options(CLI::App* verb, ExperimentEdit& edit) {
  add_text(verb, "--config", edit.config, "Sensor config; its newest version is kept");
  add_text(verb, "--owner", edit.owner, "Whose it is");
  add_text(verb, "--description", edit.description, "What it is about");
  verb->add_option("--node", edit.nodes,
                   "Nodes of it, with * and ?; may be repeated; every node by default")
      ->allow_extra_args(false);
}

void add_list_and_show(CLI::App& experiment, StudyArguments& a, const VerbAdder& verbs) {
  CLI::App* list = verbs.add(experiment, "list", "List experiments");
  list->add_option("--state", a.state, "Only those in this state");
  list->callback([&a, verbs] {
    verbs.choose([&a](Context& context) { return list_experiments(context, a.state); });
  });
  CLI::App* show = verbs.add(experiment, "show", "Show one, and what is still outstanding of it");
  add_experiment(show, a.experiment);
  show->callback([&a, verbs] {
    verbs.choose([&a](Context& context) { return show_experiment(context, a.experiment); });
  });
}

void add_create_and_edit(CLI::App& experiment, StudyArguments& a, const VerbAdder& verbs) {
  CLI::App* create = verbs.add(experiment, "create", "Make an experiment, a draft");
  create->add_option("name", a.edit.name, "Its name")->required();
  add_edit_options(create, a.edit);
  create->callback([&a, verbs] {
    verbs.choose([&a](Context& context) { return create_experiment(context, a.edit); });
  });
  CLI::App* edit = verbs.add(experiment, "edit", "Change what is named, leave the rest");
  add_experiment(edit, a.edit.name);
  add_text(edit, "--name", a.edit.new_name, "Another name");
  add_edit_options(edit, a.edit);
  edit->callback([&a, verbs] {
    verbs.choose([&a](Context& context) { return edit_experiment(context, a.edit); });
  });
  CLI::App* add = verbs.add(experiment, "add", "Add participants, operators and tasks");
  add_experiment(add, a.members.experiment);
  add->add_option("--participant", a.members.participants, "May be repeated")
      ->allow_extra_args(false);
  add->add_option("--operator", a.members.operators, "May be repeated")->allow_extra_args(false);
  add->add_option("--task", a.members.tasks, "May be repeated; their order is the protocol's")
      ->allow_extra_args(false);
  add->callback([&a, verbs] {
    verbs.choose([&a](Context& context) { return add_members(context, a.members); });
  });
}

void add_state(CLI::App& experiment, StudyArguments& a, const VerbAdder& verbs) {
  CLI::App* state = verbs.add(experiment, "state",
                              "Take one to ready, paused, finished or archived, or back to "
                              "draft; recordings that are open stop");
  add_experiment(state, a.change.experiment);
  state->add_option("state", a.change.state, "The state")->required();
  state->add_flag("--incomplete", a.change.incomplete,
                  "Archive it although readings are outstanding");
  state->add_option("--by", a.change.by, "Who does it");
  state->callback([&a, verbs] {
    verbs.choose([&a](Context& context) { return change_state(context, a.change); });
  });
}

rt::Status read_sensors_file(StudyArguments& a) {
  if (a.sensors_file.empty()) return rt::ok();
  auto text = rt::SystemFiles().read(a.sensors_file, 0, kSensorsBytesMax);
  if (!text) return text.error();
  a.config.sensors = *std::move(text);
  return rt::ok();
}

void add_config(CLI::App& experiment, StudyArguments& a, const VerbAdder& verbs) {
  CLI::App* config = verbs.add(experiment, "config",
                               "List sensor configs, show, make, clone or edit one; versions stay");
  config->add_option("config", a.config.name, "Its name");
  auto* create = config->add_flag("--create", a.config.create,
                                  "Make it: of --sensors, of --clone, or of the defaults");
  config->add_option("--clone", a.config.clone, "The config it is made of")->needs(create);
  config->add_option("--sensors", a.sensors_file,
                     "JSON file of its sensors; without --create a new version has them");
  config->add_option("--version", a.config.version, "Show this version");
  config->callback([&a, verbs] {
    verbs.choose([&a](Context& context) {
      if (auto done = read_sensors_file(a); !done) return context.fail(done.error());
      return run_config(context, a.config);
    });
  });
}

void add_progress(CLI::App& experiment, StudyArguments& a, const VerbAdder& verbs) {
  CLI::App* progress = verbs.add(experiment, "progress",
                                 "Show how far each participant is with each task, or say so");
  add_experiment(progress, a.progress.experiment);
  auto* participant = progress->add_option("--participant", a.progress.participant, "Whose");
  auto* task = progress->add_option("--task", a.progress.task, "With which task");
  progress->add_option("--state", a.progress.state, "open, done or skipped")
      ->needs(participant)
      ->needs(task)
      ->check(CLI::IsMember({"open", "done", "skipped"}));
  progress->add_option("--note", a.progress.note, "A note");
  progress->callback([&a, verbs] {
    verbs.choose([&a](Context& context) { return run_progress(context, a.progress); });
  });
}

void add_recording(CLI::App& app, StudyArguments& a, const VerbAdder& verbs) {
  CLI::App* recording = verbs.add(app, "recording", "Start, stop and list recordings");
  recording->require_subcommand(1);
  CLI::App* list = verbs.add(*recording, "list", "List an experiment's recordings");
  add_experiment(list, a.experiment);
  list->callback([&a, verbs] {
    verbs.choose([&a](Context& context) { return list_recordings(context, a.experiment); });
  });
  CLI::App* start = verbs.add(*recording, "start", "Start one, or enter one that is over");
  add_experiment(start, a.start.experiment);
  start->add_option("--participant", a.start.participant, "Of whom");
  start->add_option("--task", a.start.task, "At which task");
  start->add_option("--operator", a.start.member_operator, "By which operator");
  start->add_option("--node", a.start.nodes, "Only these nodes, with * and ?; may be repeated")
      ->allow_extra_args(false);
  start->add_option("--time", a.start.time, "When it began; now by default");
  start->add_option("--stop", a.start.stop, "When it ended");
  start->add_option("--by", a.start.by, "Who does it");
  start->callback([&a, verbs] {
    verbs.choose([&a](Context& context) { return start_recording(context, a.start); });
  });
  CLI::App* stop = verbs.add(*recording, "stop", "Stop the one that is open");
  add_experiment(stop, a.stop.experiment);
  stop->add_option("recording", a.stop.recording, "Which, where several are open");
  stop->add_flag("--all", a.stop.all, "All that are open");
  stop->add_option("--time", a.stop.time, "When it ended; now by default");
  stop->add_option("--by", a.stop.by, "Who does it");
  stop->callback([&a, verbs] {
    verbs.choose([&a](Context& context) { return stop_recording(context, a.stop); });
  });
}

void add_logbook(CLI::App& app, StudyArguments& a, const VerbAdder& verbs) {
  CLI::App* logbook = verbs.add(app, "logbook", "Read and write logbooks");
  logbook->require_subcommand(1);
  CLI::App* show = verbs.add(*logbook, "show", "Print an experiment's logbook");
  add_experiment(show, a.experiment);
  show->callback([&a, verbs] {
    verbs.choose([&a](Context& context) { return show_logbook(context, a.experiment); });
  });
  CLI::App* write = verbs.add(*logbook, "write", "Write an entry");
  add_experiment(write, a.entry.experiment);
  write->add_option("text", a.entry.text, "What happened")->required();
  write->add_option("--author", a.entry.author, "Who writes");
  write->add_option("--participant", a.entry.participant, "About whom");
  write->add_option("--recording", a.entry.recording, "About which recording");
  write->add_option("--time", a.entry.time, "When it happened; now by default");
  write->add_option("--attach", a.entry.attachments, "A file that goes with it; may be repeated")
      ->allow_extra_args(false);
  write->callback([&a, verbs] {
    verbs.choose([&a](Context& context) { return write_logbook(context, a.entry); });
  });
}

void add_export(CLI::App& app, StudyArguments& a, const VerbAdder& verbs) {
  ExportOptions& options = a.exported;
  CLI::App* verb = verbs.add(app, "export",
                             "Export an experiment, or a part of it, and fetch it as one archive");
  add_experiment(verb, options.experiment);
  verb->add_option("--format", options.format, "parquet (default), csv or jsonl")
      ->check(CLI::IsMember({"parquet", "csv", "jsonl"}));
  verb->add_option("--participant", options.participants, "Only these; may be repeated")
      ->allow_extra_args(false);
  verb->add_option("--task", options.tasks, "Only these; may be repeated")->allow_extra_args(false);
  verb->add_option("--sensor", options.sensors, "Only these; may be repeated")
      ->allow_extra_args(false);
  verb->add_option("--from", options.from, "Only from this time on");
  verb->add_option("--to", options.to, "Only before this time");
  verb->add_option("--times", options.time, "corrected (default) or stored")
      ->check(CLI::IsMember({"corrected", "stored"}));
  verb->add_option("-o,--out", options.out,
                   "File; - is standard output; EXPERIMENT.tar by default");
  auto* id = verb->add_option("--id", options.id, "One that was asked for before");
  verb->add_flag("--no-wait", options.no_wait, "Only ask for it");
  verb->add_flag("--list", options.list, "List the experiment's exports");
  verb->add_flag("--remove", options.remove, "Remove the one of --id")->needs(id);
  verb->callback([&a, verbs] {
    verbs.choose([&a](Context& context) { return run_export(context, a.exported); });
  });
}

rt::Status read_mapping_file(StudyArguments& a) {
  if (a.mapping_file.empty()) return rt::ok();
  auto text = rt::SystemFiles().read(a.mapping_file, 0, kMappingBytesMax);
  if (!text) return text.error();
  a.imported.mapping = *std::move(text);
  return rt::ok();
}

void add_import(CLI::App& app, StudyArguments& a, const VerbAdder& verbs) {
  ImportOptions& options = a.imported;
  CLI::App* verb = verbs.add(app, "import",
                             "Bring in an export (its archive, or a sample file of it), CSV, or "
                             "InfluxDB line protocol; the same file again changes nothing");
  verb->add_option("file", options.file, "The file; it may be compressed");
  verb->add_option("--format", options.format, "What it is, if its name does not tell")
      ->check(CLI::IsMember({"archive", "parquet", "csv", "jsonl", "line_protocol"}));
  verb->add_option("--node", options.node, "Whose the readings are, of CSV and line protocol");
  verb->add_option("--node-from", options.node_from, "Column or tag that says it");
  verb->add_option("--mapping", a.mapping_file,
                   "JSON file that says how rows of CSV become readings");
  verb->add_option("--columns", options.columns, "Names of the columns, if the first row has none")
      ->delimiter(',');
  verb->add_option("--delimiter", options.delimiter, "Between fields of CSV; a comma by default");
  verb->add_option("--precision", options.precision, "Of times in line protocol; ns by default")
      ->check(CLI::IsMember({"ns", "us", "ms", "s", "m", "h"}));
  verb->add_flag("--again", options.again, "Also if it was brought in before");
  verb->add_flag("--no-wait", options.no_wait, "Only send it");
  verb->add_flag("--list", options.list, "List imports");
  verb->add_option("--remove", options.remove, "Give up the import of this id");
  verb->callback([&a, verbs] {
    verbs.choose([&a](Context& context) {
      if (auto done = read_mapping_file(a); !done) return context.fail(done.error());
      return run_import(context, a.imported);
    });
  });
}

}  // namespace

void add_study_verbs(CLI::App& app, StudyArguments& arguments, const VerbAdder& verbs) {
  CLI::App* experiment = verbs.add(
      app, "experiment", "Experiments: sensor configs, participants, tasks, states, progress");
  experiment->require_subcommand(1);
  add_list_and_show(*experiment, arguments, verbs);
  add_create_and_edit(*experiment, arguments, verbs);
  add_state(*experiment, arguments, verbs);
  add_config(*experiment, arguments, verbs);
  add_progress(*experiment, arguments, verbs);
  add_recording(app, arguments, verbs);
  add_logbook(app, arguments, verbs);
  add_export(app, arguments, verbs);
  add_import(app, arguments, verbs);
}

}  // namespace fieldpost::cli
