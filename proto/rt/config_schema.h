#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace fieldpost::rt {

enum class ConfigType : std::uint8_t {
  kText,
  kFlag,
  kInteger,
  kDuration,  ///< "100ms": whole numbers of ns us ms s m h d
  kBytes,     ///< "64KiB": whole numbers of B KiB MiB GiB TiB
  kList,      ///< of strings
  kMap,       ///< of strings to strings, in the file's order
};

/// One key of a section. `preset`, `least` and `most` are written as in the file, without quotes.
struct ConfigKey {
  std::string name;
  ConfigType type = ConfigType::kText;
  std::string preset;                ///< the default; of a list: items with commas between
  std::string least, most;           ///< both included; empty: no bound
  std::string meaning;               ///< one line for check-config
  bool required = false;             ///< has no default
  bool secret = false;               ///< never shown
  bool reloadable = false;           ///< a change is taken over without a restart
  bool is_address = false;           ///< kText: where something listens, or a broker's url
  bool is_file = false;              ///< kText: a file that has to be readable; empty: none
  std::vector<std::string> choices;  ///< kText: nothing else is right
  bool (*is_valid)(std::string_view value) = nullptr;  ///< kText, and each item of kList
  std::string expectation;                             ///< what is_valid wants, after "expected"
};

struct ConfigSection {
  std::string name;
  bool repeated = false;  ///< [[name]]
  std::string kind;       ///< of a repeated section: these keys are for tables of this `kind`
  std::vector<ConfigKey> keys;
};

using ConfigSchema = std::vector<ConfigSection>;

}  // namespace fieldpost::rt
