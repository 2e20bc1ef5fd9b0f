#include "proto/mapping/json_mapping.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/mapping/device_time.h"
#include "proto/mapping/found_object.h"

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

std::optional<std::int64_t> to_time(const json& value, wire::Precision precision) {
  if (const auto number = to_integer<std::int64_t>(value)) return device_time(*number, precision);
  if (value.is_number_float()) return device_time(value.get<double>(), precision);
  if (!value.is_string()) return std::nullopt;
  return device_time(std::string_view(value.get_ref<const std::string&>()), precision);
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

rt::Status find_fields(const JsonMapping& mapping, const json& document, FoundObject& found) {
  for (const JsonField& field : mapping.fields) {
    const json* value = find(document, field.pointer);
    if (value == nullptr) continue;
    auto converted = to_value(*value, field.type);
    if (!converted) {
      return invalid(fmt::format("the value at \"{}\" is {}, not {}", field.pointer,
                                 value->type_name(),
                                 field.type ? to_string(*field.type) : "a scalar"));
    }
    found.fields.emplace_back(&field, *std::move(converted));
  }
  if (found.fields.empty()) return invalid("none of the fields is there");
  return rt::ok();
}

Result<FoundObject> find_object(const JsonMapping& mapping, const json& document) {
  FoundObject found;
  if (!mapping.time_pointer.empty()) {
    const json* value = find(document, mapping.time_pointer);
    if (value != nullptr) found.time = to_time(*value, mapping.time_precision);
    if (!found.time) return invalid(fmt::format("there is no time at {}", mapping.time_pointer));
  }
  auto tags = find_tags(mapping, document);
  if (!tags) return tags.error();
  found.tags = *std::move(tags);
  if (auto done = find_fields(mapping, document, found); !done) return done.error();
  return found;
}

/// Looks for the byte at which a text stops being JSON.
class SyntaxError final : public nlohmann::json_sax<json> {
 public:
  static std::size_t find(std::string_view text) {
    SyntaxError error;
    json::sax_parse(text, &error);
    return error.at_;
  }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
    at_ = position;
    return false;
  }

 private:
  std::size_t at_ = 0;
};

rt::Status add_whole(const JsonMapping& mapping, const json& document, rt::UnixTime now,
                     ReadingsBuilder& builder) {
  auto found = find_object(mapping, document);
  if (!found) return found.error();
  return add_all_found(mapping, *std::move(found), now, builder);
}

rt::Status add_elements(const JsonMapping& mapping, const json& elements, rt::UnixTime now,
                        ReadingsBuilder& builder) {
  std::size_t index = 0;
  for (const json& element : elements) {
    const auto added =
        element.is_object()
            ? add_whole(mapping, element, now, builder)
            : rt::Status(invalid(fmt::format("this is {}, not an object", element.type_name())));
    if (!added) return invalid(fmt::format("element /{}: {}", index, added.error().message));
    ++index;
  }
  if (!mapping.time_pointer.empty()) return rt::ok();
  // All were stamped with one time, so that only the last of them would be left.
  const bool collides = std::ranges::any_of(
      builder.lines().columns, [](const wire::Column& each) { return each.count() > 1; });
  if (!collides) return rt::ok();
  return invalid(
      "several elements are readings of one series without a time: a time_pointer, or a tag that "
      "tells them apart, is missing");
}

}  // namespace

rt::Status add_json(const JsonMapping& mapping, std::string_view text, rt::UnixTime now,
                    ReadingsBuilder& builder) {
  const json document = json::parse(text, nullptr, false);
  if (document.is_discarded()) return invalid("this is not JSON");
  auto found = find_object(mapping, document);
  if (!found) return found.error();
  const std::size_t count = found->fields.size();
  const auto left_out = add_found(mapping, *std::move(found), now, builder);
  if (left_out.size() == count) {
    return invalid("no value can be stored under these names and tags");
  }
  return rt::ok();
}

rt::Status add_json_body(const JsonMapping& mapping, std::string_view text, rt::UnixTime now,
                         ReadingsBuilder& builder) {
  const json document = json::parse(text, nullptr, false);
  if (document.is_discarded()) {
    return invalid(fmt::format("this is not JSON: byte {}", SyntaxError::find(text)));
  }
  return document.is_array() ? add_elements(mapping, document, now, builder)
                             : add_whole(mapping, document, now, builder);
}

}  // namespace fieldpost::mapping
