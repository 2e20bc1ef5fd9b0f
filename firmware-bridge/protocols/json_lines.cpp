#include "firmware-bridge/protocols/json_lines.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "proto/rt/json_depth.h"
#include "proto/wire/rfc3339.h"

namespace fieldpost::bridge {
namespace {

using mapping::DeviceValue;
using nlohmann::json;
using rt::Errc;
using rt::Error;
using rt::Result;

json parse(std::string_view text) {
  return rt::nests_too_deep(text) ? json(json::value_t::discarded)
                                  : json::parse(text, nullptr, false);
}

std::optional<std::int64_t> time_of(const json& object) {
  const auto time = object.find("time");
  if (time == object.end() || !time->is_string()) return std::nullopt;
  const auto parsed = wire::parse_rfc3339(time->get_ref<const std::string&>());
  if (!parsed) return std::nullopt;
  return parsed->ns;
}

DeviceValue value_of(const json& scalar) {
  if (scalar.is_boolean()) return DeviceValue::of(scalar.get<bool>());
  if (scalar.is_string()) return DeviceValue::of(scalar.get<std::string>());
  return DeviceValue::of(scalar.get<double>());
}

/// Gives each scalar a name.
class Flattener {
 public:
  explicit Flattener(std::vector<Measured>& out) : out_(&out) {}

  /// false: there are too many.
  bool add(const std::string& name, const json& value) {
    if (value.is_structured()) return add_inner(name, value);
    if (value.is_null()) return true;
    if (out_->size() == kJsonFieldsMax) return false;
    Measured reading;
    reading.key.field = name;
    reading.value = value_of(value);
    out_->push_back(std::move(reading));
    return true;
  }

 private:
  bool add_inner(const std::string& name, const json& value) {
    std::size_t index = 0;
    for (const auto& [member, inner] : value.items()) {
      const std::string last = value.is_array() ? std::to_string(index) : member;
      if (!add(name + "_" + last, inner)) return false;
      index += 1;
    }
    return true;
  }

  std::vector<Measured>* out_;
};

Result<bool> flatten(const json& object, LineFound& found) {
  const auto time = time_of(object);
  Flattener flattener(found.readings);
  for (const auto& [name, value] : object.items()) {
    if (time && name == "time") continue;
    if (flattener.add(name, value)) continue;
    return Error{Errc::kInvalid, fmt::format("JSON: more than {} fields", kJsonFieldsMax)};
  }
  for (Measured& each : found.readings) each.time = time;
  return true;
}

}  // namespace

Result<bool> JsonLines::take(std::string_view line, std::int64_t, LineFound& found) {
  const json object = parse(line);
  if (!object.is_object()) return Error{Errc::kInvalid, "JSON: a line that is no object"};
  return flatten(object, found);
}

bool JsonLines::take_whole(std::string_view message, LineFound& found) {
  if (message.size() > kJsonMessageBytesMax) return false;
  const json object = parse(message);
  LineFound whole;
  if (!object.is_object() || !flatten(object, whole)) return false;
  found = std::move(whole);
  return true;
}

}  // namespace fieldpost::bridge
