#include "proto/mapping/json_mapping.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

namespace fieldpost::mapping {
namespace {

using nlohmann::json;
using rt::Errc;
using rt::Error;
using rt::Result;
using wire::ValueType;

Error invalid(std::string what) {
  return {Errc::kInvalid, std::move(what)};
}

// "~1" is a slash and "~0" a tilde.
std::string unescape_token(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const bool escape = token[i] == '~' && i + 1 < token.size();
    out += escape ? (token[++i] == '1' ? '/' : '~') : token[i];
  }
  return out;
}

const json* find_child(const json& parent, const std::string& token) {
  if (parent.is_object()) {
    const auto at = parent.find(token);
    return at == parent.end() ? nullptr : &*at;
  }
  std::size_t index = 0;
  const char* end = token.data() + token.size();
  if (!parent.is_array() || std::from_chars(token.data(), end, index).ptr != end) return nullptr;
  return token.empty() || index >= parent.size() ? nullptr : &parent[index];
}

const json* find(const json& document, std::string_view pointer) {
  const json* at = &document;
  while (at != nullptr && !pointer.empty()) {
    pointer.remove_prefix(1);  // the slash
    const std::string_view token = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(token.size());
    at = find_child(*at, unescape_token(token));
  }
  return at != nullptr && at->is_null() ? nullptr : at;
}

template <typename Integer>
std::optional<Integer> to_integer(const json& value) {
  if (value.is_number_unsigned() && std::in_range<Integer>(value.get<std::uint64_t>())) {
    return static_cast<Integer>(value.get<std::uint64_t>());
  }
  if (value.is_number_integer() && !value.is_number_unsigned() &&
      std::in_range<Integer>(value.get<std::int64_t>())) {
    return static_cast<Integer>(value.get<std::int64_t>());
  }
  constexpr double kExactMost = 9007199254740992.0;  // 2^53
  const double number = value.is_number_float() ? value.get<double>() : std::nan("");
  const double least = std::is_signed_v<Integer> ? -kExactMost : 0.0;
  if (std::trunc(number) != number || number < least || number > kExactMost) return std::nullopt;
  return static_cast<Integer>(number);
}

std::optional<DeviceValue> to_value(const json& value, std::optional<ValueType> wanted) {
  const ValueType type = wanted.value_or(value.is_boolean()  ? ValueType::kBool
                                         : value.is_string() ? ValueType::kString
                                                             : ValueType::kF64);
  switch (type) {
    case ValueType::kF64:
      if (value.is_number()) return DeviceValue::of(value.get<double>());
      break;
    case ValueType::kI64:
      if (const auto number = to_integer<std::int64_t>(value)) return DeviceValue::of(*number);
      break;
    case ValueType::kU64:
      if (const auto number = to_integer<std::uint64_t>(value)) return DeviceValue::of(*number);
      break;
    case ValueType::kBool:
      if (value.is_boolean()) return DeviceValue::of(value.get<bool>());
      break;
    case ValueType::kString:
      if (value.is_string()) return DeviceValue::of(value.get<std::string>());
      break;
  }
  return std::nullopt;
}

std::int64_t nanos_of(wire::Precision precision) {
  switch (precision) {
    case wire::Precision::kNs: return 1;
    case wire::Precision::kUs: return 1'000;
    case wire::Precision::kMs: return 1'000'000;
    case wire::Precision::kS: return 1'000'000'000;
    case wire::Precision::kMinute: return 60'000'000'000;
    case wire::Precision::kHour: return 3'600'000'000'000;
  }
  return 1;
}

/// Seconds with decimals are common; doubles carry them to the microsecond in this century.
std::optional<std::int64_t> to_time(const json& value, wire::Precision precision) {
  const std::int64_t unit = nanos_of(precision);
  std::int64_t time = 0;
  if (const auto number = to_integer<std::int64_t>(value)) {
    if (!__builtin_mul_overflow(*number, unit, &time)) return time;
    return std::nullopt;
  }
  if (!value.is_number_float()) return std::nullopt;
  const double nanos = value.get<double>() * static_cast<double>(unit);
  if (!(std::abs(nanos) < 9.2e18)) return std::nullopt;
  return static_cast<std::int64_t>(std::round(nanos / 1000.0)) * 1000;
}

Result<std::vector<std::pair<std::string, std::string>>> find_tags(const JsonMapping& mapping,
                                                                   const json& document) {
  auto tags = mapping.tags;
  for (const auto& [name, pointer] : mapping.tag_pointers) {
    const json* value = find(document, pointer);
    if (value == nullptr) return invalid(fmt::format("there is no tag at {}", pointer));
    if (value->is_structured()) {
      return invalid(fmt::format("the tag at {} is {}, not a scalar", pointer, value->type_name()));
    }
    tags.emplace_back(name, value->is_string() ? value->get<std::string>() : value->dump());
  }
  return tags;
}

using Found = std::vector<std::pair<const JsonField*, DeviceValue>>;

Result<Found> find_fields(const JsonMapping& mapping, const json& document) {
  Found found;
  for (const JsonField& field : mapping.fields) {
    const json* value = find(document, field.pointer);
    if (value == nullptr) continue;
    auto converted = to_value(*value, field.type);
    if (!converted) {
      return invalid(fmt::format("the value at \"{}\" is {}, not {}", field.pointer,
                                 value->type_name(),
                                 field.type ? to_string(*field.type) : "a scalar"));
    }
    found.emplace_back(&field, *std::move(converted));
  }
  if (found.empty()) return invalid("none of the fields is there");
  return found;
}

std::optional<ValueType> find_type(std::string_view name) {
  for (const auto type :
       {ValueType::kF64, ValueType::kI64, ValueType::kU64, ValueType::kBool, ValueType::kString}) {
    if (to_string(type) == name) return type;
  }
  return std::nullopt;
}

}  // namespace

rt::Status add_json(const JsonMapping& mapping, std::string_view text, rt::UnixTime now,
                    ReadingsBuilder& builder) {
  const json document = json::parse(text, nullptr, false);
  if (document.is_discarded()) return invalid("this is not JSON");
  std::optional<std::int64_t> time;
  if (!mapping.time_pointer.empty()) {
    const json* value = find(document, mapping.time_pointer);
    if (value != nullptr) time = to_time(*value, mapping.time_precision);
    if (!time) return invalid(fmt::format("there is no time at {}", mapping.time_pointer));
  }
  const auto tags = find_tags(mapping, document);
  if (!tags) return tags.error();
  auto fields = find_fields(mapping, document);
  if (!fields) return fields.error();
  std::size_t added = 0;
  for (auto& [field, value] : *fields) {
    const wire::SeriesKey key{mapping.measurement, *tags, field->name, value.type, field->unit};
    const bool is_added = time ? builder.add(key, *time, std::move(value))
                               : builder.add_stamped(key, now, std::move(value));
    added += is_added ? 1U : 0U;
  }
  if (added == 0) return invalid("no value can be stored under these names and tags");
  return rt::ok();
}

rt::Status set_types(std::vector<JsonField>& fields, const FieldDetails& types) {
  for (const auto& [name, type] : types) {
    const auto field = std::ranges::find(fields, name, &JsonField::name);
    if (field == fields.end()) return invalid(fmt::format("no field {}", name));
    field->type = find_type(type);
    if (!field->type) {
      return invalid(fmt::format("expected f64, i64, u64, bool or string, got {}", type));
    }
  }
  return rt::ok();
}

rt::Status set_units(std::vector<JsonField>& fields, const FieldDetails& units) {
  for (const auto& [name, unit] : units) {
    const auto field = std::ranges::find(fields, name, &JsonField::name);
    if (field == fields.end()) return invalid(fmt::format("no field {}", name));
    field->unit = unit;
  }
  return rt::ok();
}

rt::Status check_json_mapping(const JsonMapping& mapping) {
  if (mapping.measurement.empty()) return invalid("the measurement is missing");
  if (mapping.fields.empty()) return invalid("there are no fields");
  auto is_pointer = [](const std::string& text) { return text.empty() || text.front() == '/'; };
  auto complain = [](const std::string& pointer) {
    return invalid(fmt::format("\"{}\" is no JSON pointer: it has to begin with a slash", pointer));
  };
  for (const JsonField& field : mapping.fields) {
    if (field.name.empty()) return invalid("a field has no name");
    if (!is_pointer(field.pointer)) return complain(field.pointer);
  }
  for (const auto& [name, pointer] : mapping.tag_pointers) {
    if (!is_pointer(pointer)) return complain(pointer);
  }
  if (!is_pointer(mapping.time_pointer)) return complain(mapping.time_pointer);
  return rt::ok();
}

}  // namespace fieldpost::mapping
