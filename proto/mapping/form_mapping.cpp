#include "proto/mapping/form_mapping.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "proto/mapping/device_time.h"
#include "proto/mapping/found_object.h"
#include "proto/mapping/plain_value.h"
#include "proto/wire/names.h"

namespace fieldpost::mapping {
namespace {

using rt::Result;
using wire::ValueType;

rt::Error invalid(std::string what) {
  return {rt::Errc::kInvalid, std::move(what)};
}

const std::string* find(const FormParameters& parameters, std::string_view name) {
  const auto at = std::ranges::find(
      parameters, name, [](const auto& each) -> std::string_view { return each.first; });
  return at == parameters.end() ? nullptr : &at->second;
}

template <typename Integer>
std::optional<DeviceValue> parse_integer(std::string_view text) {
  Integer number = 0;
  const char* end = text.data() + text.size();
  const auto [at, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc{} || at != end) return std::nullopt;
  return DeviceValue::of(number);
}

std::optional<DeviceValue> parse_flag(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (const std::string_view yes : {"true", "on", "yes", "1"}) {
    if (lower == yes) return DeviceValue::of(true);
  }
  for (const std::string_view no : {"false", "off", "no", "0"}) {
    if (lower == no) return DeviceValue::of(false);
  }
  return std::nullopt;
}

std::optional<DeviceValue> to_value(const std::string& text, ValueType type) {
  switch (type) {
    case ValueType::kF64:
      if (const auto number = parse_plain_number(trimmed(text))) return DeviceValue::of(*number);
      return std::nullopt;
    case ValueType::kI64: return parse_integer<std::int64_t>(trimmed(text));
    case ValueType::kU64: return parse_integer<std::uint64_t>(trimmed(text));
    case ValueType::kBool: return parse_flag(trimmed(text));
    case ValueType::kString: return DeviceValue::of(text);
  }
  return std::nullopt;
}

rt::Status find_tags(const JsonMapping& mapping, const FormParameters& parameters,
                     FoundObject& found) {
  found.tags = mapping.tags;
  for (const auto& [name, parameter] : mapping.tag_pointers) {
    const std::string* text = find(parameters, parameter);
    if (text == nullptr || text->empty()) {
      return invalid(fmt::format("there is no tag in parameter {}", wire::quoted(parameter)));
    }
    found.tags.emplace_back(name, *text);
  }
  return rt::ok();
}

rt::Status find_fields(const JsonMapping& mapping, const FormParameters& parameters,
                       FoundObject& found) {
  for (const JsonField& field : mapping.fields) {
    const ValueType type = field.type.value_or(ValueType::kF64);
    const std::string* text = find(parameters, field.pointer);
    if (text == nullptr || (type != ValueType::kString && trimmed(*text).empty())) continue;
    auto value = to_value(*text, type);
    if (!value) {
      return invalid(fmt::format("parameter {} is {}, not {}", wire::quoted(field.pointer),
                                 wire::quoted(*text), to_string(type)));
    }
    found.fields.emplace_back(&field, *std::move(value));
  }
  if (found.fields.empty()) return invalid("none of the fields is there");
  return rt::ok();
}

}  // namespace

rt::Status add_form(const JsonMapping& mapping, const FormParameters& parameters, rt::UnixTime now,
                    ReadingsBuilder& builder) {
  FoundObject found;
  if (!mapping.time_pointer.empty()) {
    const std::string* text = find(parameters, mapping.time_pointer);
    if (text != nullptr) found.time = device_time(std::string_view(*text), mapping.time_precision);
    if (!found.time) {
      return invalid(
          fmt::format("there is no time in parameter {}", wire::quoted(mapping.time_pointer)));
    }
  }
  if (auto done = find_tags(mapping, parameters, found); !done) return done;
  if (auto done = find_fields(mapping, parameters, found); !done) return done;
  return add_all_found(mapping, std::move(found), now, builder);
}

}  // namespace fieldpost::mapping
