#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "proto/rt/config.h"

namespace fieldpost::rt {

/// What stands in a file before a schema has looked at it.
struct RawOther {
  std::string type;  ///< "a date", "a table", …
};
/// From the command line or the environment: its type is what the key wants.
struct RawText {
  std::string text;
};
using RawValue =
    std::variant<std::string, bool, std::int64_t, ConfigList, ConfigMap, RawOther, RawText>;

[[nodiscard]] std::optional<Nanos> parse_duration(std::string_view text);
[[nodiscard]] std::optional<std::int64_t> parse_bytes(std::string_view text);
/// In the largest unit that leaves a whole number.
[[nodiscard]] std::string format_duration(Nanos duration);
[[nodiscard]] std::string format_bytes(std::int64_t bytes);

/// nullopt: not of the key's type, out of its range, not among its choices.
[[nodiscard]] std::optional<ConfigValue> read_value(const ConfigKey& key, const RawValue& raw);
[[nodiscard]] ConfigValue default_value(const ConfigKey& key);
/// "expected …, got …".
[[nodiscard]] std::string explain_value(const ConfigKey& key, const RawValue& raw);
/// As TOML.
[[nodiscard]] std::string format_value(const ConfigKey& key, const ConfigValue& value);
[[nodiscard]] std::string quote_toml(std::string_view text);

}  // namespace fieldpost::rt
