#include "firmware-bridge/flash/json_object.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "proto/rt/json_depth.h"
#include "proto/rt/json_text.h"

namespace fieldpost::bridge {

using nlohmann::json;

struct JsonObject::Value {
  json object;
};

std::optional<JsonObject> JsonObject::parse(std::string_view text) {
  if (rt::nests_too_deep(text)) return std::nullopt;
  json value = json::parse(text, nullptr, false);
  if (!value.is_object()) return std::nullopt;
  JsonObject object;
  object.value_ = std::make_shared<const Value>(Value{std::move(value)});
  return object;
}

bool JsonObject::has(const char* key) const {
  return value_->object.contains(key);
}

std::string JsonObject::text(const char* key) const {
  const auto found = value_->object.find(key);
  if (found == value_->object.end() || !found->is_string()) return {};
  return found->get<std::string>();
}

std::optional<std::uint64_t> JsonObject::number(const char* key) const {
  const auto found = value_->object.find(key);
  if (found == value_->object.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

bool JsonObject::flag(const char* key) const {
  const auto found = value_->object.find(key);
  return found != value_->object.end() && found->is_boolean() && found->get<bool>();
}

std::vector<JsonObject> JsonObject::objects(const char* key) const {
  std::vector<JsonObject> out;
  const auto found = value_->object.find(key);
  if (found == value_->object.end() || !found->is_array()) return out;
  for (const json& each : *found) {
    if (!each.is_object()) continue;
    out.emplace_back();
    out.back().value_ = std::make_shared<const Value>(Value{each});
  }
  return out;
}

std::string JsonObject::dump() const {
  return value_->object.dump(-1, ' ', false, json::error_handler_t::replace);
}

void JsonLine::begin(std::string_view key) {
  if (text_.size() > 1) text_ += ',';
  rt::append_json_string(text_, key);
  text_ += ':';
}

JsonLine& JsonLine::text(std::string_view key, std::string_view value) {
  begin(key);
  rt::append_json_string(text_, value);
  return *this;
}

JsonLine& JsonLine::number(std::string_view key, std::uint64_t value) {
  begin(key);
  text_ += std::to_string(value);
  return *this;
}

JsonLine& JsonLine::flag(std::string_view key, bool value) {
  begin(key);
  text_ += value ? "true" : "false";
  return *this;
}

JsonLine& JsonLine::raw(std::string_view key, std::string_view value) {
  begin(key);
  text_ += value;
  return *this;
}

JsonLine& JsonLine::array(std::string_view key, const std::vector<std::string>& values) {
  begin(key);
  text_ += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text_ += ',';
    text_ += values[i];
  }
  text_ += ']';
  return *this;
}

}  // namespace fieldpost::bridge
