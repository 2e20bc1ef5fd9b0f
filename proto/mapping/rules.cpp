#include "proto/mapping/rules.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "proto/wire/hash.h"

namespace fieldpost::mapping {
namespace {

using nlohmann::json;
using rt::Errc;
using rt::Error;
using rt::Result;
using rt::Status;

constexpr std::size_t kIdDigits = 16;
constexpr std::pair<RuleFormat, std::string_view> kFormats[] = {
    {RuleFormat::kNumber, "number"},
    {RuleFormat::kJson, "json"},
    {RuleFormat::kSparkplug, "sparkplug"},
    {RuleFormat::kLineProtocol, "line_protocol"}};
constexpr std::pair<RuleFormat, std::string_view> kBodies[] = {
    {RuleFormat::kRequestJson, "json"},
    {RuleFormat::kRequestForm, "form"},
    {RuleFormat::kRequestQuery, "query"}};
constexpr std::pair<wire::Precision, std::string_view> kPrecisions[] = {
    {wire::Precision::kNs, "ns"}, {wire::Precision::kUs, "us"},    {wire::Precision::kMs, "ms"},
    {wire::Precision::kS, "s"},   {wire::Precision::kMinute, "m"}, {wire::Precision::kHour, "h"}};

Error invalid(std::string what) {
  return {Errc::kInvalid, std::move(what)};
}

template <typename Table, typename Value>
std::string name_in(const Table& table, Value value) {
  for (const auto& [each, name] : table) {
    if (each == value) return std::string(name);
  }
  return {};
}

template <typename Value, typename Table>
std::optional<Value> value_in(const Table& table, std::string_view name) {
  for (const auto& [value, each] : table) {
    if (each == name) return value;
  }
  return std::nullopt;
}

/// Takes the members out of an object one by one; what is left is unknown.
class Members {
 public:
  explicit Members(json object) : object_(std::move(object)) {}

  void text(const char* name, std::string& out) {
    const json value = take(name);
    if (value.is_null()) return;
    if (!value.is_string()) return complain(name, "a string");
    out = value.get<std::string>();
  }
  using Map = std::vector<std::pair<std::string, std::string>>;
  Map map(const char* name) {
    const json value = take(name);
    Map out;
    if (value.is_null()) return out;
    if (!value.is_object()) {
      complain(name, "an object of strings");
      return out;
    }
    for (const auto& [key, each] : value.items()) {
      if (!each.is_string()) complain(name, "an object of strings");
      if (each.is_string()) out.emplace_back(key, each.get<std::string>());
    }
    return out;
  }
  template <typename Value, typename Table>
  void choice(const char* name, const Table& table, Value& out) {
    std::string text = name_in(table, out);
    this->text(name, text);
    const auto value = value_in<Value>(table, text);
    if (value) out = *value;
    if (!value) complain(name, "another word");
  }
  [[nodiscard]] Status finish() const {
    if (error_) return *error_;
    if (object_.empty()) return rt::ok();
    return invalid(fmt::format("there is no rule \"{}\" for this format", object_.begin().key()));
  }

 private:
  json take(const char* name) {
    const auto at = object_.find(name);
    if (at == object_.end()) return {};
    json value = std::move(*at);
    object_.erase(at);
    return value;
  }
  void complain(const char* name, const char* expected) {
    if (!error_) error_ = invalid(fmt::format("\"{}\": expected {}", name, expected));
  }

  json object_;
  std::optional<Error> error_;
};

Status read_json(Members& members, JsonMapping& mapping) {
  mapping.tags = members.map("tags");
  mapping.tag_pointers = members.map("tag_pointers");
  for (auto& [name, pointer] : members.map("fields")) {
    mapping.fields.push_back({.name = name, .pointer = pointer});
  }
  const auto types = members.map("types");
  const auto units = members.map("units");
  members.text("time_pointer", mapping.time_pointer);
  members.choice("time_precision", kPrecisions, mapping.time_precision);
  if (auto done = set_types(mapping.fields, types); !done) return done;
  return set_units(mapping.fields, units);
}

json map_of(const Members::Map& pairs) {
  json out = json::object();
  for (const auto& [name, value] : pairs) out[name] = value;
  return out;
}

void write_json(const JsonMapping& mapping, json& out) {
  json fields = json::object(), types = json::object(), units = json::object();
  for (const JsonField& field : mapping.fields) {
    fields[field.name] = field.pointer;
    if (field.type) types[field.name] = to_string(*field.type);
    if (!field.unit.empty()) units[field.name] = field.unit;
  }
  out["tags"] = map_of(mapping.tags);
  out["tag_pointers"] = map_of(mapping.tag_pointers);
  out["fields"] = std::move(fields);
  out["types"] = std::move(types);
  out["units"] = std::move(units);
  out["time_pointer"] = mapping.time_pointer;
  out["time_precision"] = name_in(kPrecisions, mapping.time_precision);
}

/// Rules of requests tell themselves by what only they have.
bool has_request_rules(const json& object) {
  return object.contains("path") || object.contains("body");
}

Status read_request(Members& members, MappingRules& rules) {
  rules.format = RuleFormat::kRequestJson;
  rules.measurement.clear();
  members.choice("body", kBodies, rules.format);
  members.text("path", rules.topic);
  members.text("measurement", rules.measurement);
  auto read = read_json(members, rules.json);
  rules.json.measurement = rules.measurement;
  return read;
}

Status read_message(Members& members, MappingRules& rules) {
  members.choice("format", kFormats, rules.format);
  members.text("topic", rules.topic);
  if (rules.topic.empty()) rules.measurement.clear();  // files have no default for it
  if (rules.format != RuleFormat::kLineProtocol) members.text("measurement", rules.measurement);
  if (rules.format == RuleFormat::kNumber) {
    members.text("field", rules.field);
    members.text("unit", rules.unit);
  }
  if (rules.format == RuleFormat::kLineProtocol) {
    members.choice("precision", kPrecisions, rules.precision);
  }
  if (rules.format != RuleFormat::kJson) return rt::ok();
  auto read = read_json(members, rules.json);
  rules.json.measurement = rules.measurement;
  return read;
}

}  // namespace

bool is_request(RuleFormat format) {
  return !name_in(kBodies, format).empty();
}

std::string encode_rules(const MappingRules& rules) {
  json out = json::object();
  if (is_request(rules.format)) {
    out["body"] = name_in(kBodies, rules.format);
    out["path"] = rules.topic;
  } else {
    out["format"] = name_in(kFormats, rules.format);
    if (!rules.topic.empty()) out["topic"] = rules.topic;
  }
  if (rules.format != RuleFormat::kLineProtocol) out["measurement"] = rules.measurement;
  switch (rules.format) {
    case RuleFormat::kNumber:
      out["field"] = rules.field;
      out["unit"] = rules.unit;
      break;
    case RuleFormat::kJson:
    case RuleFormat::kRequestJson:
    case RuleFormat::kRequestForm:
    case RuleFormat::kRequestQuery: write_json(rules.json, out); break;
    case RuleFormat::kLineProtocol: out["precision"] = name_in(kPrecisions, rules.precision); break;
    case RuleFormat::kSparkplug: break;
  }
  return out.dump();
}

Result<MappingRules> parse_rules(std::string_view text) {
  if (text.size() > kRulesBytesMax) {
    return invalid(fmt::format("rules of more than {} bytes", kRulesBytesMax));
  }
  json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return invalid("rules are a JSON object");
  MappingRules rules;
  const bool is_for_requests = has_request_rules(object);
  Members members(std::move(object));
  const auto read = is_for_requests ? read_request(members, rules) : read_message(members, rules);
  if (!read) return read.error();
  if (auto done = members.finish(); !done) return done.error();
  if (auto done = check_rules(rules); !done) return done.error();
  return rules;
}

std::string rules_id(std::string_view text) {
  return wire::hash128(text).hex().substr(0, kIdDigits);
}

}  // namespace fieldpost::mapping
