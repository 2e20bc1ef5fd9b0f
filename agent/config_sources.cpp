#include "agent/config_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>
#include <variant>

#include "proto/mapping/mapping_keys.h"
#include "proto/mapping/topic_pattern.h"
#include "proto/rt/config_parts.h"

namespace fieldpost::agent {
namespace {

using rt::ConfigTable;
using rt::Result;

HostMetricsConfig read_host_metrics(const ConfigTable& table) {
  HostMetricsConfig config;
  config.every = table.duration("every");
  config.per_core = table.flag("per_core");
  return config;
}

Result<SourceConfig> read_exec(const ConfigTable& table) {
  ExecConfig config;
  config.argv = table.list("command");
  if (config.argv.empty() || config.argv.front().empty())
    return table.error("command", "expected a program and its arguments");
  for (const auto& [name, value] : table.map("environment"))
    config.environment.push_back(name + '=' + value);
  config.directory = table.text("directory");
  config.stream = table.flag("stream");
  config.sampling = table.list("sampling");
  if (config.stream && !config.sampling.empty())
    return table.error("sampling", "expected it without stream: that has no interval");
  config.every = table.duration("every");
  config.timeout = table.duration("timeout");
  config.durable = table.flag("durable");
  config.keep_raw = table.flag("keep_raw");
  config.restart_first = table.duration("restart_first");
  config.restart_most = table.duration("restart_most");
  if (config.restart_most < config.restart_first)
    return table.error("restart_most", "expected at least restart_first");
  if (auto keeper = exec_keeper(config); config.keep_raw && !keeper)
    return table.error("keep_raw", keeper.error().message);
  return SourceConfig(std::move(config));
}

struct KeyDefault {
  std::string_view key, preset;
};

bool is_default(const ConfigTable& table, const KeyDefault& each) {
  if (const auto* map = std::get_if<rt::ConfigMap>(&table.value(each.key))) return map->empty();
  return table.text(each.key) == each.preset;
}

/// Keys that only mean something beside another one are refused without it: whoever wrote them
/// believes that they do something.
rt::Status expect_defaults(const ConfigTable& table, std::span<const KeyDefault> keys,
                           std::string_view otherwise) {
  for (const KeyDefault& each : keys) {
    if (!is_default(table, each)) return table.error(each.key, otherwise);
  }
  return rt::ok();
}

constexpr KeyDefault kJsonKeys[] = {
    {"tags", ""},  {"tag_pointers", ""}, {"fields", ""},         {"types", ""},
    {"units", ""}, {"time_pointer", ""}, {"time_precision", "s"}};
constexpr KeyDefault kBrokerKeys[] = {
    {"ca_file", ""}, {"cert_file", ""}, {"key_file", ""}, {"username", ""}, {"password_file", ""}};

/// Empty unless `format` is json.
Result<mapping::JsonMapping> read_json(const ConfigTable& table) {
  if (table.text("format") != "json") {
    auto checked = expect_defaults(table, kJsonKeys, "expected format = \"json\" beside it");
    if (!checked) return checked.error();
    return mapping::JsonMapping();
  }
  auto mapping = mapping::read_mapping(table);
  if (!mapping) return mapping;
  if (auto checked = check_json_mapping(*mapping); !checked)
    return table.error("fields", checked.error().message);
  return mapping;
}

/// The name tells the file it is for.
std::string position_path(const std::string& directory, std::string path) {
  std::ranges::replace(path, '/', '%');
  return directory + "/tail" + path;
}

Result<SourceConfig> read_file_tail(const ConfigTable& table, const SourceDefaults& defaults) {
  auto json = read_json(table);
  if (!json) return json.error();
  FileTailConfig config;
  config.reader.path = table.text("path");
  config.reader.position_path = position_path(defaults.position_directory, config.reader.path);
  mapping::MappingRules& rules = config.reader.rules;
  rules.format = table.text("format") == "json" ? mapping::RuleFormat::kJson
                                                : mapping::RuleFormat::kLineProtocol;
  rules.measurement = table.text("measurement");
  rules.precision = mapping::read_precision(table, "precision");
  rules.json = *std::move(json);
  config.reader.keep_raw = table.flag("keep_raw");
  config.reader.from_beginning = table.flag("from_beginning");
  config.every = table.duration("every");
  return SourceConfig(std::move(config));
}

Result<SourceConfig> read_file_drop(const ConfigTable& table) {
  FileDropConfig config;
  config.path = table.text("path");
  config.pattern = table.text("pattern");
  config.series = {
      table.text("measurement"), {}, table.text("field"), wire::ValueType::kString, ""};
  for (const auto& [key, value] : table.map("tags")) config.series.tags.emplace_back(key, value);
  std::ranges::sort(config.series.tags);
  if (!wire::SeriesKey::parse(config.series.text()))
    return table.error("measurement", "expected what a series can be called, with its tags");
  config.type = table.text("type");
  config.every = table.duration("every");
  config.settle = table.duration("settle");
  config.bytes_max = table.bytes("bytes_max");
  config.done_path = table.text("done_path");
  const bool moves = table.text("after") == "move";
  if (moves == config.done_path.empty())
    return table.error("done_path", "expected a directory beside after = \"move\", and only there");
  if (config.done_path == config.path)
    return table.error("done_path", "expected another directory than path");
  return SourceConfig(std::move(config));
}

mapping::RuleFormat read_format(const std::string& name) {
  if (name == "json") return mapping::RuleFormat::kJson;
  return name == "sparkplug" ? mapping::RuleFormat::kSparkplug : mapping::RuleFormat::kNumber;
}

Result<MqttSourceConfig> read_broker(const ConfigTable& table, const SourceDefaults& defaults) {
  MqttSourceConfig config;
  config.topics.broker = defaults.broker;
  config.password_file = defaults.password_file;
  if (table.text("url").empty()) {
    auto checked = expect_defaults(table, kBrokerKeys, "expected the url of a broker beside it");
    if (!checked) return checked.error();
    return config;
  }
  auto own = rt::read_mqtt(table);
  if (!own) return own.error();
  config.topics.broker = own->options;
  config.password_file = own->password_file;
  return config;
}

Result<SourceConfig> read_mqtt_topics(const ConfigTable& table, const SourceDefaults& defaults) {
  auto config = read_broker(table, defaults);
  if (!config) return config.error();
  mapping::MappingRules& rules = config->topics.rules;
  rules.topic = table.text("topic");
  if (auto pattern = mapping::TopicPattern::parse(rules.topic); !pattern)
    return table.error("topic", pattern.error().message);
  rules.format = read_format(table.text("format"));
  rules.measurement = table.text("measurement");
  rules.field = table.text("field");
  rules.unit = table.text("unit");
  config->topics.request_rebirth = table.flag("request_rebirth");
  config->topics.keep_raw = table.flag("keep_raw");
  auto json = read_json(table);
  if (!json) return json.error();
  rules.json = *std::move(json);
  return SourceConfig(*std::move(config));
}

}  // namespace

std::optional<std::string> raw_source_of(const SourceConfig& source) {
  if (const auto* exec = std::get_if<ExecConfig>(&source)) {
    if (exec->keep_raw) return exec_raw_name(*exec);
  }
  if (const auto* tail = std::get_if<FileTailConfig>(&source)) {
    if (tail->reader.keep_raw) return tail_name(tail->reader.path);
  }
  if (const auto* devices = std::get_if<MqttSourceConfig>(&source)) {
    if (devices->topics.keep_raw) return topics_name(devices->topics);
  }
  return std::nullopt;
}

Result<SourceConfig> read_source(const ConfigTable& table, const SourceDefaults& defaults) {
  const std::string& kind = table.text("kind");
  if (kind == "host_metrics") return SourceConfig(read_host_metrics(table));
  if (kind == "line_socket") return SourceConfig(LineSocketConfig{.path = table.text("path")});
  if (kind == "exec") return read_exec(table);
  if (kind == "file_tail") return read_file_tail(table, defaults);
  if (kind == "file_drop") return read_file_drop(table);
  FP_CHECK(kind == "mqtt_topics");
  return read_mqtt_topics(table, defaults);
}

}  // namespace fieldpost::agent
