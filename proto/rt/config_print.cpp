// The effective configuration, as TOML and as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "proto/rt/config.h"
#include "proto/rt/config_value.h"
#include "proto/rt/json_text.h"

namespace fieldpost::rt {
namespace {

constexpr std::string_view kMask = "***";

/// What may be shown of a key's value.
ConfigValue shown_value(const ConfigKey& key, const ConfigTable& table) {
  const ConfigValue& value = table.value(key.name);
  const bool masked = key.secret && value != ConfigValue(std::string());
  return masked ? ConfigValue(std::string(kMask)) : value;
}

void write_table(const ConfigSection& section, const ConfigTable& table, std::string& out) {
  out += section.repeated ? fmt::format("\n[[{}]]\n", section.name)
                          : fmt::format("\n[{}]\n", section.name);
  if (!section.kind.empty()) out += fmt::format("kind = {}\n", quote_toml(section.kind));
  for (const auto& key : section.keys) {
    const std::string text = format_value(key, shown_value(key, table));
    const std::string line = fmt::format("{} = {}", key.name, text);
    out += fmt::format("{:<40} # {}\n", line, key.meaning);
  }
}

std::string quote_json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

/// Appends to an object or array that is still open.
void add_json(std::string& out, std::string_view text) {
  if (!out.ends_with('{') && !out.ends_with('[')) out += ',';
  out += text;
}

/// Durations and sizes are written as in the file.
struct JsonValue {
  const ConfigKey& key;
  std::string operator()(const std::string& text) const { return quote_json(text); }
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
  std::string operator()(std::int64_t number) const {
    return key.type == ConfigType::kBytes ? quote_json(format_bytes(number))
                                          : std::to_string(number);
  }
  std::string operator()(Nanos duration) const { return quote_json(format_duration(duration)); }
  std::string operator()(const ConfigList& items) const {
    std::string out = "[";
    for (const auto& item : items) add_json(out, quote_json(item));
    return out + ']';
  }
  std::string operator()(const ConfigMap& map) const {
    std::string out = "{";
    for (const auto& [name, value] : map) add_json(out, quote_json(name) + ':' + quote_json(value));
    return out + '}';
  }
};

std::string table_json(const ConfigSection& section, const ConfigTable& table) {
  std::string out = "{";
  if (!section.kind.empty()) add_json(out, "\"kind\":" + quote_json(section.kind));
  for (const auto& key : section.keys) {
    add_json(out, quote_json(key.name) + ':' + std::visit(JsonValue{key}, shown_value(key, table)));
  }
  return out + '}';
}

}  // namespace

std::string to_toml(const ConfigSchema& schema, const Config& config) {
  std::string out;
  for_each_table(schema, config, [&](const ConfigSection& section, const ConfigTable& table) {
    write_table(section, table, out);
  });
  return out.substr(std::min<std::size_t>(1, out.size()));
}

std::string to_json(const ConfigSchema& schema, const Config& config) {
  std::map<std::string, std::string> repeated;
  std::string out = "{";
  for (const auto& section : schema) {
    if (section.repeated) repeated.try_emplace(section.name, "[");
  }
  for_each_table(schema, config, [&](const ConfigSection& section, const ConfigTable& table) {
    const std::string json = table_json(section, table);
    if (section.repeated) {
      add_json(repeated[section.name], json);
    } else {
      add_json(out, quote_json(section.name) + ':' + json);
    }
  });
  for (const auto& [name, tables] : repeated) add_json(out, quote_json(name) + ':' + tables + ']');
  return out + '}';
}

}  // namespace fieldpost::rt
