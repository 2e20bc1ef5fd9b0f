#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/config_value.h"

namespace fieldpost::rt {

struct RawEntry {
  std::string key;
  RawValue value;
  std::string place;  ///< "agent.toml:12", "--set", "FIELDPOST_MQTT__URL"
};

/// One [name] or one of several [[name]].
struct RawTable {
  std::string name;
  bool repeated = false;
  std::string place;
  std::vector<RawEntry> entries;
};

/// Reads TOML; the only place that knows the library. In the file's order.
Result<std::vector<RawTable>> parse_toml(std::string_view file_name, std::string_view text);

}  // namespace fieldpost::rt
