#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/mapping/readings_builder.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"

namespace fieldpost::mapping {

struct JsonField {
  std::string name;
  /// JSON pointer (RFC 6901): "/sensor/0/temp"; empty: the whole document. Of a form: a parameter.
  std::string pointer;
  /// Empty: numbers are f64 (a device prints 5 and 5.0 for one quantity), others as they are.
  std::optional<wire::ValueType> type;
  std::string unit;
};

/// How an object becomes readings.
struct JsonMapping {
  std::string measurement;
  std::vector<std::pair<std::string, std::string>> tags;          ///< name, value
  std::vector<std::pair<std::string, std::string>> tag_pointers;  ///< name, JSON pointer
  std::vector<JsonField> fields;
  std::string time_pointer;  ///< empty: stamped on arrival
  wire::Precision time_precision = wire::Precision::kS;
};

/// Adds one object's readings. Fields that are missing or null are left out. kInvalid, and nothing
/// added: not JSON, no field found, a value of the wrong type, a time that is not one.
[[nodiscard]] rt::Status add_json(const JsonMapping& mapping, std::string_view text,
                                  rt::UnixTime now, ReadingsBuilder& builder);

/// Adds the readings of a request's body: of an object, or of each object of an array. kInvalid,
/// and the builder, which was empty, is to be dropped: as for add_json; a value that cannot be
/// stored; elements without times that are readings of one series.
[[nodiscard]] rt::Status add_json_body(const JsonMapping& mapping, std::string_view text,
                                       rt::UnixTime now, ReadingsBuilder& builder);

using FieldDetails = std::vector<std::pair<std::string, std::string>>;  ///< field, detail
/// kInvalid: no such field, or not "f64", "i64", "u64", "bool" or "string".
[[nodiscard]] rt::Status set_types(std::vector<JsonField>& fields, const FieldDetails& types);
/// kInvalid: no such field.
[[nodiscard]] rt::Status set_units(std::vector<JsonField>& fields, const FieldDetails& units);

/// The first thing wrong with a mapping, for the configuration's check.
[[nodiscard]] rt::Status check_json_mapping(const JsonMapping& mapping);
/// The same of one that names parameters.
[[nodiscard]] rt::Status check_form_mapping(const JsonMapping& mapping);

}  // namespace fieldpost::mapping
