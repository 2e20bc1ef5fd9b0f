// What can be wrong with a mapping before the first message comes.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "proto/mapping/json_mapping.h"
#include "proto/mapping/rules.h"
#include "proto/mapping/topic_pattern.h"

namespace fieldpost::mapping {
namespace {

using rt::Errc;
using rt::Error;
using wire::ValueType;

Error invalid(std::string what) {
  return {Errc::kInvalid, std::move(what)};
}

std::optional<ValueType> find_type(std::string_view name) {
  for (const auto type :
       {ValueType::kF64, ValueType::kI64, ValueType::kU64, ValueType::kBool, ValueType::kString}) {
    if (to_string(type) == name) return type;
  }
  return std::nullopt;
}

rt::Status check_names(const JsonMapping& mapping) {
  if (mapping.measurement.empty()) return invalid("the measurement is missing");
  if (mapping.fields.empty()) return invalid("there are no fields");
  const bool has_nameless = std::ranges::any_of(
      mapping.fields, [](const JsonField& field) { return field.name.empty(); });
  return has_nameless ? rt::Status(invalid("a field has no name")) : rt::ok();
}

/// Every series that a request may make, as far as the rules tell.
rt::Status check_series(const MappingRules& rules) {
  wire::SeriesKey key{rules.measurement, rules.json.tags, {}, wire::ValueType::kF64, {}};
  const auto pattern = TopicPattern::parse(rules.topic);
  for (const std::string& name : pattern->names()) {
    if (name != "measurement") key.tags.emplace_back(name, "x");
  }
  for (const auto& [name, place] : rules.json.tag_pointers) key.tags.emplace_back(name, "x");
  std::ranges::sort(key.tags);
  for (const JsonField& field : rules.json.fields) {
    key.field = field.name;
    key.unit = field.unit;
    if (wire::SeriesKey::parse(key.text())) continue;
    return invalid(
        fmt::format("field {} cannot be a series: a tag is empty or given twice, or a "
                    "name is too long or not one",
                    field.name));
  }
  return rt::ok();
}

rt::Status check_request(const MappingRules& rules) {
  if (auto checked = check_path(rules.topic); !checked) return checked;
  const bool is_json = rules.format == RuleFormat::kRequestJson;
  auto checked = is_json ? check_json_mapping(rules.json) : check_form_mapping(rules.json);
  return checked ? check_series(rules) : checked;
}

}  // namespace

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

rt::Status check_form_mapping(const JsonMapping& mapping) {
  if (auto checked = check_names(mapping); !checked) return checked;
  for (const JsonField& field : mapping.fields) {
    if (field.pointer.empty()) return invalid(fmt::format("field {} has no parameter", field.name));
  }
  for (const auto& [name, parameter] : mapping.tag_pointers) {
    if (parameter.empty()) return invalid(fmt::format("tag {} has no parameter", name));
  }
  return rt::ok();
}

rt::Status check_json_mapping(const JsonMapping& mapping) {
  if (auto checked = check_names(mapping); !checked) return checked;
  auto is_pointer = [](const std::string& text) { return text.empty() || text.front() == '/'; };
  auto complain = [](const std::string& pointer) {
    return invalid(fmt::format("\"{}\" is no JSON pointer: it has to begin with a slash", pointer));
  };
  for (const JsonField& field : mapping.fields) {
    if (!is_pointer(field.pointer)) return complain(field.pointer);
  }
  for (const auto& [name, pointer] : mapping.tag_pointers) {
    if (!is_pointer(pointer)) return complain(pointer);
  }
  if (!is_pointer(mapping.time_pointer)) return complain(mapping.time_pointer);
  return rt::ok();
}

rt::Status check_path(std::string_view path) {
  const auto pattern = TopicPattern::parse(path);
  const bool has_query = path.find('?') != std::string_view::npos;
  if (path.starts_with('/') && !has_query && pattern && !pattern->has_wildcard()) return rt::ok();
  return invalid(
      fmt::format("\"{}\" is no path: expected one such as \"/door/{{door}}/event\", of segments "
                  "that are text or {{a tag}}",
                  path));
}

rt::Status check_rules(const MappingRules& rules) {
  if (is_request(rules.format)) return check_request(rules);
  const bool is_lines = rules.topic.empty();
  if (rules.format == RuleFormat::kLineProtocol && !is_lines) {
    return invalid("line protocol comes in files and from programs, not on topics");
  }
  if (is_lines && rules.format != RuleFormat::kLineProtocol && rules.format != RuleFormat::kJson) {
    return invalid("the topic is missing");
  }
  if (!is_lines) {
    if (auto pattern = TopicPattern::parse(rules.topic); !pattern) return pattern.error();
  }
  if (rules.format == RuleFormat::kJson) return check_json_mapping(rules.json);
  return rt::ok();
}

}  // namespace fieldpost::mapping
