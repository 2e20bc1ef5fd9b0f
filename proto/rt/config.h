#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "proto/rt/config_schema.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"

namespace fieldpost::rt {

inline constexpr std::size_t kConfigBytesMax = 1 << 20;  ///< of a file

using ConfigList = std::vector<std::string>;
using ConfigMap = std::vector<std::pair<std::string, std::string>>;
using ConfigValue = std::variant<std::string, bool, std::int64_t, Nanos, ConfigList, ConfigMap>;

/// One section with a value for every key of its schema. Asking for another key, or for another
/// type, is a broken invariant.
class ConfigTable {
 public:
  struct Entry {
    ConfigValue value;
    std::string place;  ///< "agent.toml:12", "--set", …; empty: the default
    bool operator==(const Entry& other) const { return value == other.value; }
  };

  ConfigTable() = default;
  ConfigTable(std::string name, std::string place)
      : name_(std::move(name)), place_(std::move(place)) {}

  [[nodiscard]] const std::string& text(std::string_view key) const;
  [[nodiscard]] bool flag(std::string_view key) const;
  [[nodiscard]] std::int64_t integer(std::string_view key) const;
  [[nodiscard]] std::uint64_t bytes(std::string_view key) const;
  [[nodiscard]] Nanos duration(std::string_view key) const;
  [[nodiscard]] const ConfigList& list(std::string_view key) const;
  [[nodiscard]] const ConfigMap& map(std::string_view key) const;

  [[nodiscard]] const ConfigValue& value(std::string_view key) const { return entry(key).value; }
  [[nodiscard]] bool has(std::string_view key) const { return entries_.contains(key); }
  /// kInvalid with file, line and key: for what only a look at several keys can tell.
  [[nodiscard]] Error error(std::string_view key, std::string_view what) const;

  void set(const std::string& key, Entry entry) {
    entries_.insert_or_assign(key, std::move(entry));
  }
  /// Ignores where the values came from.
  bool operator==(const ConfigTable& other) const { return entries_ == other.entries_; }

 private:
  [[nodiscard]] const Entry& entry(std::string_view key) const;

  std::string name_;
  std::string place_;
  std::map<std::string, Entry, std::less<>> entries_;
};

class Config {
 public:
  [[nodiscard]] const ConfigTable& section(std::string_view name) const;
  /// Of a repeated section, in the file's order.
  [[nodiscard]] const std::vector<ConfigTable>& tables(std::string_view name) const;

  void add(const ConfigSection& section) { tables_.try_emplace(section.name); }
  void add(const std::string& name, ConfigTable table);

 private:
  std::map<std::string, std::vector<ConfigTable>, std::less<>> tables_;
};

/// Where a configuration comes from; what stands lower wins. The caller reads file and environment.
struct ConfigSources {
  std::string file_name;                                         ///< for messages
  std::string file_text;                                         ///< TOML
  std::vector<std::pair<std::string, std::string>> environment;  ///< all of it, or a part
  std::vector<std::string> sets;                                 ///< "section.key=value"
};

/// kInvalid names file, line and key and says what was expected. Every key of the result has a
/// value that is right by type and range.
Result<Config> load_config(const ConfigSchema& schema, const ConfigSources& sources);

/// Every table there is, with the section of its kind, in the schema's order.
void for_each_table(const ConfigSchema& schema, const Config& config,
                    const std::function<void(const ConfigSection&, const ConfigTable&)>& take);

/// The effective configuration as TOML that load_config takes, with the meaning of each key;
/// secrets are masked.
[[nodiscard]] std::string to_toml(const ConfigSchema& schema, const Config& config);

/// The same as one JSON object: an object a section, an array of them for a repeated one.
[[nodiscard]] std::string to_json(const ConfigSchema& schema, const Config& config);

struct ConfigChange {
  std::string key;  ///< "section.key"; of a repeated section its name
  bool needs_restart = true;
};

[[nodiscard]] std::vector<ConfigChange> compare_configs(const ConfigSchema& schema,
                                                        const Config& before, const Config& after);

}  // namespace fieldpost::rt
