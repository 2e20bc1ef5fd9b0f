#include "proto/rt/config.h"

#include <fmt/format.h>

#include <algorithm>

namespace fieldpost::rt {
namespace {

template <typename T>
const T& value_as(const ConfigValue& value) {
  const T* typed = std::get_if<T>(&value);
  FP_CHECK(typed != nullptr);
  return *typed;
}

const ConfigSection& section_of(const ConfigSchema& schema, const std::string& name,
                                const ConfigTable& table) {
  const auto found = std::ranges::find_if(schema, [&](const ConfigSection& section) {
    return section.name == name && (section.kind.empty() || table.text("kind") == section.kind);
  });
  FP_CHECK(found != schema.end());
  return *found;
}

void compare_section(const ConfigSection& section, const Config& before, const Config& after,
                     std::vector<ConfigChange>& changes) {
  const ConfigTable& old = before.section(section.name);
  const ConfigTable& fresh = after.section(section.name);
  for (const auto& key : section.keys)
    if (old.value(key.name) != fresh.value(key.name))
      changes.push_back({section.name + '.' + key.name, !key.reloadable});
}

}  // namespace

const ConfigTable::Entry& ConfigTable::entry(std::string_view key) const {
  const auto found = entries_.find(key);
  FP_CHECK(found != entries_.end());
  return found->second;
}

const std::string& ConfigTable::text(std::string_view key) const {
  return value_as<std::string>(value(key));
}

bool ConfigTable::flag(std::string_view key) const {
  return value_as<bool>(value(key));
}

std::int64_t ConfigTable::integer(std::string_view key) const {
  return value_as<std::int64_t>(value(key));
}

std::uint64_t ConfigTable::bytes(std::string_view key) const {
  return static_cast<std::uint64_t>(integer(key));
}

Nanos ConfigTable::duration(std::string_view key) const {
  return value_as<Nanos>(value(key));
}

const ConfigList& ConfigTable::list(std::string_view key) const {
  return value_as<ConfigList>(value(key));
}

const ConfigMap& ConfigTable::map(std::string_view key) const {
  return value_as<ConfigMap>(value(key));
}

Error ConfigTable::error(std::string_view key, std::string_view what) const {
  const auto found = entries_.find(key);
  const bool placed = found != entries_.end() && !found->second.place.empty();
  return {Errc::kInvalid,
          fmt::format("{}: {}.{}: {}", placed ? found->second.place : place_, name_, key, what)};
}

const ConfigTable& Config::section(std::string_view name) const {
  const auto& found = tables(name);
  FP_CHECK(found.size() == 1);
  return found.front();
}

const std::vector<ConfigTable>& Config::tables(std::string_view name) const {
  const auto found = tables_.find(name);
  FP_CHECK(found != tables_.end());
  return found->second;
}

void Config::add(const std::string& name, ConfigTable table) {
  tables_[name].push_back(std::move(table));
}

void for_each_table(const ConfigSchema& schema, const Config& config,
                    const std::function<void(const ConfigSection&, const ConfigTable&)>& take) {
  std::string_view last;
  for (const auto& section : schema) {
    if (section.name == last) continue;  // all kinds of a repeated section came at once
    last = section.name;
    for (const auto& table : config.tables(section.name)) {
      take(section_of(schema, section.name, table), table);
    }
  }
}

std::vector<ConfigChange> compare_configs(const ConfigSchema& schema, const Config& before,
                                          const Config& after) {
  std::vector<ConfigChange> changes;
  std::string_view last;
  for (const auto& section : schema) {
    if (!section.repeated)
      compare_section(section, before, after, changes);
    else if (section.name != last && before.tables(section.name) != after.tables(section.name))
      changes.push_back({section.name, true});
    last = section.name;
  }
  return changes;
}

}  // namespace fieldpost::rt
