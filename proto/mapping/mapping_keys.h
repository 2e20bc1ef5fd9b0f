#pragma once

#include <string_view>
#include <vector>

#include "proto/mapping/json_mapping.h"
#include "proto/rt/config.h"

/// The keys that say how an object becomes readings, the same wherever a configuration has them.
namespace fieldpost::mapping {

/// `prefix` goes before the meaning of each: what they are for. `place` is where a value is found.
[[nodiscard]] std::vector<rt::ConfigKey> mapping_keys(std::string_view prefix,
                                                      std::string_view place);
[[nodiscard]] rt::ConfigKey keep_raw_key();

/// The mapping of a table with these keys and `measurement`. kInvalid: types or units that fit no
/// field; all else is for check_json_mapping or check_form_mapping.
rt::Result<JsonMapping> read_mapping(const rt::ConfigTable& table);
/// One of a key's choices.
[[nodiscard]] wire::Precision read_precision(const rt::ConfigTable& table, std::string_view key);

}  // namespace fieldpost::mapping
