#include "proto/rt/config_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

namespace fieldpost::rt {
namespace {

std::string place_at(std::string_view file, const toml::source_position& at) {
  return fmt::format("{}:{}", file, at.line);
}

std::string type_of(const toml::node& node) {
  std::ostringstream text;
  text << node.type();
  return "a value of type " + text.str();
}

RawValue list_of(const toml::array& array) {
  ConfigList items;
  for (const toml::node& node : array) {
    const auto item = node.value_exact<std::string>();
    if (!item) return RawOther{"a list that holds " + type_of(node)};
    items.push_back(*item);
  }
  return items;
}

RawValue map_of(const toml::table& table) {
  ConfigMap map;
  for (const auto& [key, node] : table) {
    const auto value = node.value_exact<std::string>();
    if (!value) return RawOther{"a table that holds " + type_of(node)};
    map.emplace_back(key.str(), *value);
  }
  return map;
}

RawValue value_of(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto flag = node.value_exact<bool>()) return *flag;
  if (const auto number = node.value_exact<std::int64_t>()) return *number;
  if (const auto* array = node.as_array()) return list_of(*array);
  if (const auto* table = node.as_table()) return map_of(*table);
  return RawOther{type_of(node)};
}

RawTable table_of(std::string_view file, std::string_view name, const toml::table& table) {
  RawTable raw{.name = std::string(name), .place = place_at(file, table.source().begin)};
  for (const auto& [key, node] : table)
    raw.entries.push_back(
        {std::string(key.str()), value_of(node), place_at(file, key.source().begin)});
  return raw;
}

}  // namespace

Result<std::vector<RawTable>> parse_toml(std::string_view file_name, std::string_view text) {
  if (text.size() > kConfigBytesMax)
    return Error{Errc::kInvalid, fmt::format("{}: expected a file of at most 1 MiB", file_name)};
  const toml::parse_result parsed = toml::parse(text, file_name);
  if (!parsed)
    return Error{Errc::kInvalid, fmt::format("{}: not valid TOML: {}",
                                             place_at(file_name, parsed.error().source().begin),
                                             parsed.error().description())};
  std::vector<RawTable> tables;
  for (const auto& [key, node] : parsed.table()) {
    const std::string place = place_at(file_name, key.source().begin);
    if (const auto* table = node.as_table()) {
      tables.push_back(table_of(file_name, key.str(), *table));
    } else if (const auto* array = node.as_array();
               array != nullptr && array->is_homogeneous<toml::table>()) {
      for (const toml::node& item : *array) {
        tables.push_back(table_of(file_name, key.str(), *item.as_table()));
        tables.back().repeated = true;
      }
    } else {
      return Error{Errc::kInvalid,
                   fmt::format("{}: {}: expected a section such as [{}], not a key outside of one",
                               place, key.str(), key.str())};
    }
  }
  return tables;
}

}  // namespace fieldpost::rt
