#include "proto/mapping/mapping_keys.h"

#include <fmt/format.h>

namespace fieldpost::mapping {

using rt::ConfigKey;
using rt::ConfigType;

std::vector<ConfigKey> mapping_keys(std::string_view prefix, std::string_view place) {
  const auto meaning = [&](std::string_view text) { return fmt::format("{}{}", prefix, text); };
  return {{.name = "tags", .type = ConfigType::kMap, .meaning = meaning("name to value")},
          {.name = "tag_pointers",
           .type = ConfigType::kMap,
           .meaning = meaning(fmt::format("name to {}", place))},
          {.name = "fields",
           .type = ConfigType::kMap,
           .meaning = meaning(fmt::format("name to {}", place))},
          {.name = "types",
           .type = ConfigType::kMap,
           .meaning = meaning("field to f64, i64, u64, bool or string")},
          {.name = "units", .type = ConfigType::kMap, .meaning = meaning("field to unit")},
          {.name = "time_pointer", .meaning = meaning("empty: stamped on arrival")},
          {.name = "time_precision",
           .preset = "s",
           .meaning = meaning("of a time that is a number; text is RFC 3339"),
           .choices = {"ns", "us", "ms", "s", "m", "h"}}};
}

ConfigKey keep_raw_key() {
  return {.name = "keep_raw",
          .type = ConfigType::kFlag,
          .preset = "false",
          .meaning = "what came is kept as well, in fieldpost_raw, to be mapped anew"};
}

rt::Result<JsonMapping> read_mapping(const rt::ConfigTable& table) {
  JsonMapping mapping;
  mapping.measurement = table.text("measurement");
  mapping.tags = table.map("tags");
  mapping.tag_pointers = table.map("tag_pointers");
  for (const auto& [name, pointer] : table.map("fields"))
    mapping.fields.push_back({.name = name, .pointer = pointer});
  if (auto done = set_types(mapping.fields, table.map("types")); !done)
    return table.error("types", done.error().message);
  if (auto done = set_units(mapping.fields, table.map("units")); !done)
    return table.error("units", done.error().message);
  mapping.time_pointer = table.text("time_pointer");
  mapping.time_precision = read_precision(table, "time_precision");
  return mapping;
}

wire::Precision read_precision(const rt::ConfigTable& table, std::string_view key) {
  const auto precision = wire::parse_precision(table.text(key));
  FP_CHECK(precision.has_value());  // one of the schema's choices
  return *precision;
}

}  // namespace fieldpost::mapping
