#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/cli/node_words.h"
#include "tools/cli/study.h"
#include "tools/cli/text_table.h"
#include "tools/cli/words.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;
using rt::Errc;

constexpr const char* kExperiments = "/api/v1/experiments";
constexpr const char* kConfigs = "/api/v1/sensor_configs";

std::string config_words(const Json& config) {
  if (!config.is_object()) return "-";
  return fmt::format("{} v{}", value_words(config.at("name")), config.at("version").dump());
}

std::string names_of(const Json& members) {
  std::string out;
  for (const Json& member : members) {
    out += (out.empty() ? "" : ", ") + member.at("name").get<std::string>();
  }
  return out.empty() ? "-" : out;
}

std::string patterns_words(const Json& nodes) {
  std::string out;
  for (const Json& node : nodes) out += (out.empty() ? "" : ", ") + node.get<std::string>();
  return out.empty() ? "all" : out;
}

/// What is still awaited of it, a line each.
std::string outstanding_words(const Json& experiment) {
  std::string out;
  for (const Json& each : experiment.at("outstanding")) {
    out += fmt::format("  {}: {} (needed until {}, settled until {})\n",
                       value_words(each.at("node")), value_words(each.at("why")),
                       time_words(each.at("needed_until")), time_words(each.at("settled_until")));
  }
  return out;
}

/// How often nodes are to measure, a line each.
std::string wanted_words(const Json& experiment) {
  if (!experiment.contains("sampling")) return {};
  std::string out;
  for (const Json& each : experiment.at("sampling")) {
    const auto detail = each.at("detail").get<std::string>();
    out += fmt::format("  {} is to measure {}: {}{}\n", value_words(each.at("node")),
                       sampling_words(each.at("wanted")), value_words(each.at("state")),
                       detail.empty() ? "" : " (" + detail + ")");
  }
  return out;
}

std::string experiment_words(const Json& experiment) {
  std::string out = fmt::format(
      "{}  {}\n  id           {}\n  owner        {}\n  config       {}\n  nodes        {}\n"
      "  participants {}\n  operators    {}\n  tasks        {}\n  recordings   {}, {} open\n",
      value_words(experiment.at("name")), value_words(experiment.at("state")),
      value_words(experiment.at("id")), value_words(experiment.at("owner")),
      config_words(experiment.at("config")), patterns_words(experiment.at("nodes")),
      names_of(experiment.at("participants")), names_of(experiment.at("operators")),
      names_of(experiment.at("tasks")), experiment.at("recordings").dump(),
      experiment.at("recordings_open").dump());
  if (!experiment.at("description").get<std::string>().empty()) {
    out += "  " + value_words(experiment.at("description")) + "\n";
  }
  out += wanted_words(experiment);
  for (const Json& flag : experiment.at("wrong")) {
    out += fmt::format("  sensor {} is {} since {}: {}\n", value_words(flag.at("sensor")),
                       value_words(flag.at("kind")), time_words(flag.at("from")),
                       value_words(flag.at("detail")));
  }
  if (experiment.at("complete").get<bool>()) {
    out += "complete: every reading of its recordings is stored, or lies in a declared gap\n";
  } else if (!experiment.at("outstanding").empty()) {
    out += "outstanding:\n" + outstanding_words(experiment);
  }
  return out;
}

int print_document(Context& context, const rt::Result<Json>& document, const std::string& words) {
  if (!document) return context.fail(document.error());
  context.print(context.json ? document->dump(2) + "\n" : words);
  return kExitDone;
}

Json body_of(const ExperimentEdit& edit) {
  Json body = Json::object();
  const std::pair<const char*, const std::optional<std::string>&> texts[] = {
      {"description", edit.description}, {"owner", edit.owner}, {"config", edit.config}};
  for (const auto& [name, value] : texts) {
    if (value) body[name] = *value;
  }
  if (!edit.nodes.empty()) body["nodes"] = edit.nodes;
  return body;
}

std::string state_words(const rt::Result<Json>& experiment) {
  if (!experiment) return {};
  return fmt::format("{} is {}\n", value_words(experiment->at("name")),
                     value_words(experiment->at("state")));
}

}  // namespace

std::string experiment_path(const std::string& experiment, const std::string& rest) {
  return fmt::format("{}/{}{}", kExperiments, encode_query(experiment), rest);
}

int list_experiments(Context& context, const std::string& state) {
  TextTable table({{"name"}, {"state"}, {"owner"}, {"config"}, {"created"}});
  Json all = Json::array();
  const std::string path =
      kExperiments + (state.empty() ? std::string() : "?state=" + encode_query(state));
  const auto walked = for_each_item(context, path, [&](const Json& item) {
    table.add({value_words(item.at("name")), value_words(item.at("state")),
               value_words(item.at("owner")), config_words(item.at("config")),
               time_words(item.at("created"))});
    all.push_back(item);
    return true;
  });
  if (!walked) return context.fail(walked.error());
  context.print(context.json ? all.dump(2) + "\n" : table.text());
  return kExitDone;
}

int show_experiment(Context& context, const std::string& experiment) {
  const auto document = fetch_json(context, experiment_path(experiment));
  return print_document(context, document, document ? experiment_words(*document) : "");
}

int create_experiment(Context& context, const ExperimentEdit& edit) {
  Json body = body_of(edit);
  body["name"] = edit.name;
  const auto made = send_json(context, "POST", kExperiments, body);
  return print_document(context, made, state_words(made));
}

int edit_experiment(Context& context, const ExperimentEdit& edit) {
  Json body = body_of(edit);
  if (edit.new_name) body["name"] = *edit.new_name;
  const auto edited = send_json(context, "PATCH", experiment_path(edit.name), body);
  return print_document(context, edited, state_words(edited));
}

int add_members(Context& context, const MembersToAdd& members) {
  const std::pair<const char*, const std::vector<std::string>&> lists[] = {
      {"/participants", members.participants},
      {"/operators", members.operators},
      {"/tasks", members.tasks}};
  Json added = Json::array();
  for (const auto& [list, names] : lists) {
    const std::string path = experiment_path(members.experiment, list);
    const auto before = fetch_json(context, path);
    if (!before) return context.fail(before.error());
    for (const std::string& name : names) {
      const bool is_there = std::any_of(
          before->at("items").begin(), before->at("items").end(),
          [&](const Json& each) { return each.at("name") == name || each.at("id") == name; });
      if (is_there) continue;
      const auto made = send_json(context, "POST", path, {{"name", name}});
      if (!made) return context.fail(made.error());
      added.push_back(*made);
    }
  }
  context.print(context.json ? added.dump(2) + "\n"
                             : fmt::format("{} added\n", count_words(added.size())));
  return kExitDone;
}

int change_state(Context& context, const StateChange& change) {
  Json body = {{"state", change.state}};
  if (change.incomplete) body["incomplete"] = true;
  if (!change.by.empty()) body["by"] = change.by;
  const auto changed =
      send_json(context, "POST", experiment_path(change.experiment, "/state"), body);
  return print_document(context, changed, state_words(changed));
}

namespace {

std::string sensors_words(const Json& config) {
  TextTable table(
      {{"sensor"}, {"type"}, {"on"}, {"series"}, {"node"}, {"unit"}, {"rate/s"}, {"every/s"}});
  for (const Json& sensor : config.at("sensors")) {
    std::string series = value_words(sensor.at("measurement"));
    for (const auto& [key, value] : sensor.at("tags").items()) {
      series += fmt::format(",{}={}", key, value_words(value));
    }
    series += " " + value_words(sensor.at("field"));
    table.add({value_words(sensor.at("name")), value_words(sensor.at("type")),
               sensor.at("enabled").get<bool>() ? "yes" : "no", series,
               value_words(sensor.at("node")), value_words(sensor.at("unit")),
               sensor.contains("rate_hz") ? sensor.at("rate_hz").dump() : "-",
               sensor.contains("sample_every_s") ? sensor.at("sample_every_s").dump() : "-"});
  }
  return fmt::format("{} version {}\n{}", value_words(config.at("name")),
                     config.at("version").dump(), table.text());
}

int list_configs(Context& context) {
  TextTable table({{"config"},
                   {"version", TextTable::Align::kRight},
                   {"sensors", TextTable::Align::kRight},
                   {"created"}});
  Json all = Json::array();
  const auto walked = for_each_item(context, kConfigs, [&](const Json& item) {
    table.add({value_words(item.at("name")), item.at("version").dump(),
               count_words(item.at("sensors").size()), time_words(item.at("created"))});
    all.push_back(item);
    return true;
  });
  if (!walked) return context.fail(walked.error());
  context.print(context.json ? all.dump(2) + "\n" : table.text());
  return kExitDone;
}

/// The list itself, or an object with it.
rt::Result<Json> sensors_in(const std::string& text) {
  Json document = Json::parse(text, nullptr, false);
  if (document.is_object() && document.contains("sensors")) return document.at("sensors");
  if (document.is_array()) return document;
  return rt::Error{Errc::kInvalid, R"(the file is neither {"sensors": […]} nor the list itself)"};
}

}  // namespace

int run_config(Context& context, const ConfigOptions& options) {
  if (options.name.empty()) return list_configs(context);
  const std::string path = fmt::format("{}/{}", kConfigs, encode_query(options.name));
  Json body = Json::object();
  if (options.sensors) {
    auto sensors = sensors_in(*options.sensors);
    if (!sensors) return context.fail(sensors.error());
    body["sensors"] = *std::move(sensors);
  }
  if (options.create) {
    body["name"] = options.name;
    if (!options.clone.empty()) body["clone"] = options.clone;
    const auto made = send_json(context, "POST", kConfigs, body);
    return print_document(context, made, made ? sensors_words(*made) : "");
  }
  const auto shown =
      options.sensors
          ? send_json(context, "PUT", path, body)
          : fetch_json(context, options.version == 0
                                    ? path
                                    : fmt::format("{}?version={}", path, options.version));
  return print_document(context, shown, shown ? sensors_words(*shown) : "");
}

namespace {

std::string progress_words(const Json& participants) {
  TextTable table({{"participant"},
                   {"task"},
                   {"state"},
                   {"recordings", TextTable::Align::kRight},
                   {"recorded"},
                   {"note"}});
  for (const Json& each : participants) {
    for (const Json& task : each.at("tasks")) {
      const std::string state = value_words(task.at("state"));
      table.add({value_words(each.at("participant").at("name")), value_words(task.at("name")),
                 task.at("recording").get<bool>() ? state + ", recording" : state,
                 task.at("recordings").dump(), duration_words(task.at("seconds").get<double>()),
                 value_words(task.at("note"))});
    }
  }
  return table.text();
}

}  // namespace

int run_progress(Context& context, const ProgressOptions& options) {
  const std::string path = experiment_path(options.experiment, "/progress");
  if (!options.state.empty()) {
    const auto marked = send_json(context, "PUT", path,
                                  {{"participant", options.participant},
                                   {"task", options.task},
                                   {"state", options.state},
                                   {"note", options.note}});
    return print_document(
        context, marked,
        fmt::format("{}, {}: {}\n", options.participant, options.task, options.state));
  }
  const auto shown = fetch_json(context, path);
  return print_document(context, shown, shown ? progress_words(shown->at("items")) : "");
}

}  // namespace fieldpost::cli
