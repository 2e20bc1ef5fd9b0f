#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/mapping/json_mapping.h"
#include "proto/mapping/readings_builder.h"
#include "proto/rt/time.h"

namespace fieldpost::mapping {

/// What a mapping found in one object, before it is readings. Points into the mapping.
struct FoundObject {
  std::optional<std::int64_t> time;  ///< ns since 1970; empty: it has none
  std::vector<std::pair<std::string, std::string>> tags;
  std::vector<std::pair<const JsonField*, DeviceValue>> fields;
};

/// Adds its readings, stamped with `now` where it has no time. Returns the fields that cannot be
/// stored under these names and tags, or with this value; the others are added.
[[nodiscard]] std::vector<const JsonField*> add_found(const JsonMapping& mapping,
                                                      FoundObject object, rt::UnixTime now,
                                                      ReadingsBuilder& builder);
/// The same, but kInvalid when there is such a field; then the builder is to be dropped.
[[nodiscard]] rt::Status add_all_found(const JsonMapping& mapping, FoundObject object,
                                       rt::UnixTime now, ReadingsBuilder& builder);

}  // namespace fieldpost::mapping
