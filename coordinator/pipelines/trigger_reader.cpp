#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "coordinator/pipelines/cron_text.h"
#include "coordinator/pipelines/inputs.h"
#include "coordinator/pipelines/readers.h"

namespace fieldpost::coordinator {
namespace {

using pipeline::kNameBytesMax;
using pipeline::kTextBytesMax;

constexpr std::array kTypes = {InputType::kString, InputType::kBoolean, InputType::kNumber,
                               InputType::kChoice};
constexpr std::array kMissed = {Missed::kSkip, Missed::kRunOnce, Missed::kRunAll};
constexpr rt::Nanos kGraceMax = std::chrono::hours(24 * 31);

/// `on: push` and `on: [push]` as `on: {push: }`.
YamlNode as_mapping(const YamlNode& on) {
  if (!on.is_scalar() && !on.is_list()) return on;
  YamlNode out;
  out.kind = YamlNode::Kind::kMapping;
  out.line = on.line;
  out.column = on.column;
  const std::vector<YamlNode> single = {on};
  for (const YamlNode& event : on.is_list() ? on.items : single) {
    out.keys.push_back({event.text, event.line, event.column});
    YamlNode nothing;
    nothing.line = event.line;
    nothing.column = event.column;
    out.items.push_back(std::move(nothing));
  }
  return out;
}

std::vector<std::string> read_patterns(YamlFields& fields, const char* key) {
  auto patterns = fields.texts(key);
  if (!patterns.empty() && std::ranges::find(patterns, "") == patterns.end()) return patterns;
  if (fields.has(key)) fields.complain(key, "at least one pattern, and none that is empty");
  return {};
}

RefFilter read_filter(YamlFields fields, bool with_tags) {
  std::vector<std::string> known = {"branches", "branches-ignore", "paths", "paths-ignore"};
  if (with_tags) known.insert(known.end(), {"tags", "tags-ignore"});
  fields.only(known);
  RefFilter filter;
  filter.branches = read_patterns(fields, "branches");
  filter.branches_ignore = read_patterns(fields, "branches-ignore");
  filter.paths = read_patterns(fields, "paths");
  filter.paths_ignore = read_patterns(fields, "paths-ignore");
  if (with_tags) {
    filter.tags = read_patterns(fields, "tags");
    filter.tags_ignore = read_patterns(fields, "tags-ignore");
  }
  for (const std::string key : {"branches", "tags", "paths"}) {
    if (fields.has(key) && fields.has(key + "-ignore")) {
      fields.complain(key + "-ignore",
                      "it alone, or `" + key + "` with patterns that begin with !");
    }
  }
  return filter;
}

bool is_timezone(const std::string& name) {
  return !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+' || c == '/';
  });
}

void read_missed(YamlFields& fields, Schedule& schedule) {
  const std::string missed = fields.text("missed", kNameBytesMax);
  const auto found =
      std::ranges::find_if(kMissed, [&](Missed each) { return to_string(each) == missed; });
  if (found != kMissed.end()) schedule.missed = *found;
  if (!missed.empty() && found == kMissed.end()) {
    fields.complain("missed", "skip, run_once or run_all");
  }
  const auto count = fields.integer("max", 1, kMissedMax);
  schedule.missed_max = static_cast<std::size_t>(count.value_or(1));
  const bool is_all = schedule.missed == Missed::kRunAll;
  if (is_all && !fields.has("max")) fields.complain("max", "how many, beside `missed: run_all`");
  if (!is_all && fields.has("max")) fields.complain("max", "it beside `missed: run_all` only");
}

Schedule read_schedule(YamlFields fields) {
  fields.only({"cron", "timezone", "missed", "max", "grace"});
  Schedule schedule;
  schedule.cron = fields.text("cron", kNameBytesMax);
  const std::string wrong = what_is_wrong_with_cron(schedule.cron);
  if (!wrong.empty()) fields.complain("cron", wrong);
  if (fields.has("timezone")) schedule.timezone = fields.text("timezone", kNameBytesMax);
  if (!is_timezone(schedule.timezone)) {
    fields.complain("timezone", "the name of a time zone such as Europe/Berlin");
  }
  read_missed(fields, schedule);
  schedule.grace = fields.duration("grace", rt::Nanos{0}, kGraceMax).value_or(schedule.grace);
  return schedule;
}

/// Calls `read` with each item of a list, or with the one that stands there without a list.
template <typename Read>
void for_each_fields(YamlFields& fields, const char* key, Read read) {
  const YamlNode* node = fields.find(key);
  if (node == nullptr) return;
  if (!node->is_list()) {
    read(YamlFields(fields.source(), *node, fields.path_of(key)));
    return;
  }
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    read(YamlFields(fields.source(), node->items[i], fmt::format("{}.{}", fields.path_of(key), i)));
  }
}

Input read_input(YamlFields fields, const std::string& name, Place place) {
  fields.only({"description", "type", "required", "default", "options"});
  Input input{.name = name, .place = std::move(place)};
  input.description = fields.text("description", kTextBytesMax);
  const std::string type = fields.text("type", kNameBytesMax);
  const auto found =
      std::ranges::find_if(kTypes, [&](InputType each) { return to_string(each) == type; });
  if (found != kTypes.end()) input.type = *found;
  if (!type.empty() && found == kTypes.end()) {
    fields.complain("type", "string, boolean, number or choice");
  }
  input.required = fields.flag("required").value_or(false);
  input.options = fields.texts("options");
  const bool is_choice = input.type == InputType::kChoice;
  if (is_choice == input.options.empty()) {
    fields.complain("options",
                    is_choice ? "at least one option" : "options with `type: choice` only");
  }
  if (!fields.has("default")) return input;
  input.otherwise = fields.text("default", kTextBytesMax);
  if (!variable_of(*input.otherwise) && !input_value(input, *input.otherwise)) {
    fields.complain("default", expected_of(input));
  }
  return input;
}

std::vector<Input> read_inputs(YamlFields& event) {
  YamlFields fields = event.fields("inputs");
  std::vector<Input> inputs;
  const auto& keys = fields.node().keys;
  if (keys.size() > kInputsMax) {
    event.complain("inputs", fmt::format("at most {}", kInputsMax));
    return inputs;
  }
  for (const YamlNode::Key& key : keys) {
    const Place place{fields.source().file, key.line, key.column};
    if (!is_id(key.text)) {
      fields.source().problems.add(place, fields.path_of(key.text), "this name", kIdExpected);
    }
    inputs.push_back(read_input(fields.fields(key.text), key.text, place));
  }
  return inputs;
}

CallTrigger read_call_trigger(YamlFields fields, ExpressionCheck& check) {
  fields.only({"inputs", "secrets", "outputs"});
  CallTrigger call;
  call.inputs = read_inputs(fields);
  YamlFields secrets = fields.fields("secrets");
  for (const YamlNode::Key& key : secrets.node().keys) {
    YamlFields secret = secrets.fields(key.text);
    secret.only({"description", "required"});
    call.secrets[key.text] = secret.flag("required").value_or(false);
  }
  YamlFields outputs = fields.fields("outputs");
  for (const YamlNode::Key& key : outputs.node().keys) {
    YamlFields output = outputs.fields(key.text);
    output.only({"description", "value"});
    call.outputs[key.text] = output.text("value", kTextBytesMax);
    if (call.outputs[key.text].empty()) output.complain("value", "a text with ${{ jobs.… }}");
    check.check_texts(output.find("value"), output.path_of("value"), Spot::kCallOutput);
  }
  return call;
}

PipelineTrigger read_pipeline_trigger(YamlFields fields) {
  fields.only({"name", "verdict"});
  PipelineTrigger trigger;
  trigger.name = fields.text("name", kNameBytesMax);
  if (trigger.name.empty()) fields.complain("name", "the name of a pipeline");
  for (const std::string& each : fields.texts("verdict")) {
    const auto verdict = pipeline::parse_verdict(each);
    if (verdict) trigger.verdicts.push_back(*verdict);
    if (!verdict) fields.complain("verdict", "verdicts such as passed, failed or timed_out");
  }
  if (trigger.verdicts.empty()) trigger.verdicts = {pipeline::Verdict::kPassed};
  return trigger;
}

void read_schedules(YamlFields& on, Triggers& out) {
  for_each_fields(on, "schedule",
                  [&](YamlFields each) { out.schedules.push_back(read_schedule(each)); });
}

}  // namespace

Triggers read_triggers(YamlFields& top, ExpressionCheck& check) {
  Triggers out;
  const YamlNode* node = top.find("on");
  if (node == nullptr || node->is_null()) {
    top.complain("on", "what begins a build: push, workflow_dispatch, …");
    return out;
  }
  const YamlNode mapping = as_mapping(*node);
  YamlFields on(top.source(), mapping, "on");
  on.only({"push", "pull_request", "schedule", "workflow_dispatch", "workflow_call", "pipeline"});
  if (on.has("push")) out.push = read_filter(on.fields("push"), true);
  if (on.has("pull_request")) out.pull_request = read_filter(on.fields("pull_request"), false);
  read_schedules(on, out);
  out.by_hand = on.has("workflow_dispatch");
  YamlFields dispatch = on.fields("workflow_dispatch");
  dispatch.only({"inputs"});
  out.dispatch_inputs = read_inputs(dispatch);
  if (on.has("workflow_call")) out.call = read_call_trigger(on.fields("workflow_call"), check);
  for_each_fields(on, "pipeline",
                  [&](YamlFields each) { out.pipelines.push_back(read_pipeline_trigger(each)); });
  return out;
}

}  // namespace fieldpost::coordinator
