#include "agent/config_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>
#include <variant>

#include "agent/sources/mqtt/topic_pattern.h"
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
  config.every = table.duration("every");
  config.timeout = table.duration("timeout");
  config.durable = table.flag("durable");
  config.restart_first = table.duration("restart_first");
  config.restart_most = table.duration("restart_most");
  if (config.restart_most < config.restart_first)
    return table.error("restart_most", "expected at least restart_first");
  return SourceConfig(std::move(config));
}

wire::Precision read_precision(const std::string& text) {
  const auto precision = wire::parse_precision(text);
  FP_CHECK(precision.has_value());  // one of the schema's choices
  return *precision;
}

std::optional<wire::ValueType> find_type(std::string_view name) {
  for (const auto type : {wire::ValueType::kF64, wire::ValueType::kI64, wire::ValueType::kU64,
                          wire::ValueType::kBool, wire::ValueType::kString}) {
    if (to_string(type) == name) return type;
  }
  return std::nullopt;
}

rt::Status read_field_details(const ConfigTable& table, std::vector<JsonField>& fields) {
  const auto find = [&](const std::string& name) {
    return std::ranges::find(fields, name, &JsonField::name);
  };
  for (const auto& [name, type] : table.map("types")) {
    const auto field = find(name);
    if (field == fields.end()) return table.error("types", fmt::format("no field {}", name));
    field->type = find_type(type);
    if (!field->type) {
      return table.error("types",
                         fmt::format("expected f64, i64, u64, bool or string, got {}", type));
    }
  }
  for (const auto& [name, unit] : table.map("units")) {
    const auto field = find(name);
    if (field == fields.end()) return table.error("units", fmt::format("no field {}", name));
    field->unit = unit;
  }
  return rt::ok();
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
Result<JsonMapping> read_json(const ConfigTable& table) {
  JsonMapping mapping;
  if (table.text("format") != "json") {
    auto checked = expect_defaults(table, kJsonKeys, "expected format = \"json\" beside it");
    if (!checked) return checked.error();
    return mapping;
  }
  mapping.measurement = table.text("measurement");
  mapping.tags = table.map("tags");
  mapping.tag_pointers = table.map("tag_pointers");
  for (const auto& [name, pointer] : table.map("fields"))
    mapping.fields.push_back({.name = name, .pointer = pointer});
  if (auto read = read_field_details(table, mapping.fields); !read) return read.error();
  mapping.time_pointer = table.text("time_pointer");
  mapping.time_precision = read_precision(table.text("time_precision"));
  if (auto checked = check_json_mapping(mapping); !checked)
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
  if (table.text("format") == "json") config.reader.format = TailFormat::kJson;
  config.reader.precision = read_precision(table.text("precision"));
  config.reader.json = *std::move(json);
  config.reader.from_beginning = table.flag("from_beginning");
  config.every = table.duration("every");
  return SourceConfig(std::move(config));
}

TopicFormat read_format(const std::string& name) {
  if (name == "json") return TopicFormat::kJson;
  return name == "sparkplug" ? TopicFormat::kSparkplug : TopicFormat::kNumber;
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
  MqttTopicsConfig& topics = config->topics;
  topics.topic = table.text("topic");
  if (auto pattern = TopicPattern::parse(topics.topic); !pattern)
    return table.error("topic", pattern.error().message);
  topics.format = read_format(table.text("format"));
  topics.measurement = table.text("measurement");
  topics.field = table.text("field");
  topics.unit = table.text("unit");
  topics.request_rebirth = table.flag("request_rebirth");
  auto json = read_json(table);
  if (!json) return json.error();
  topics.json = *std::move(json);
  return SourceConfig(*std::move(config));
}

}  // namespace

Result<SourceConfig> read_source(const ConfigTable& table, const SourceDefaults& defaults) {
  const std::string& kind = table.text("kind");
  if (kind == "host_metrics") return SourceConfig(read_host_metrics(table));
  if (kind == "line_socket") return SourceConfig(LineSocketConfig{.path = table.text("path")});
  if (kind == "exec") return read_exec(table);
  if (kind == "file_tail") return read_file_tail(table, defaults);
  FP_CHECK(kind == "mqtt_topics");
  return read_mqtt_topics(table, defaults);
}

}  // namespace fieldpost::agent
