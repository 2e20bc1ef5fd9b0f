#include "coordinator/pipelines/yaml_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/pipeline/expression_value.h"
#include "proto/pipeline/job_spec.h"
#include "proto/rt/config_value.h"

namespace fieldpost::coordinator {
namespace {

using pipeline::Json;

constexpr std::size_t kShownMax = 60;
const YamlNode kNothing;

std::optional<std::int64_t> integer_of(const YamlNode& node) {
  std::int64_t value = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [stopped, error] = std::from_chars(node.text.data(), end, value);
  const bool is_whole = node.kind == YamlNode::Kind::kPlain && error == std::errc();
  return is_whole && stopped == end ? std::optional(value) : std::nullopt;
}

Json scalar_json(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kQuoted) return node.text;
  if (node.text == "true" || node.text == "True" || node.text == "TRUE") return true;
  if (node.text == "false" || node.text == "False" || node.text == "FALSE") return false;
  if (const auto whole = integer_of(node)) return *whole;
  if (const auto number = pipeline::parse_number(node.text)) {
    if (std::isfinite(*number)) return *number;
  }
  return node.text;
}

}  // namespace

std::string words_of(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull: return "nothing";
    case YamlNode::Kind::kList: return "a list";
    case YamlNode::Kind::kMapping: return "a mapping";
    case YamlNode::Kind::kPlain:
    case YamlNode::Kind::kQuoted: break;
  }
  const bool is_short = node.text.size() <= kShownMax;
  return is_short ? "`" + node.text + "`" : "`" + node.text.substr(0, kShownMax) + "…`";
}

Json json_of(const YamlNode& node) {
  if (node.is_null()) return nullptr;
  if (node.is_scalar()) return scalar_json(node);
  Json out = node.is_list() ? Json::array() : Json::object();
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    if (node.is_list()) {
      out.push_back(json_of(node.items[i]));
    } else {
      out[node.keys[i].text] = json_of(node.items[i]);
    }
  }
  return out;
}

YamlFields::YamlFields(const YamlSource& source, const YamlNode& node, std::string path)
    : source_(source), node_(&node), path_(std::move(path)) {
  if (node.is_mapping() || node.is_null()) return;
  source_.complain(node, path_, words_of(node), "a mapping");
  node_ = &kNothing;
}

const YamlNode* YamlFields::find(std::string_view key) const {
  return node_->find(key);
}

std::string YamlFields::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

void YamlFields::complain(std::string_view key, std::string expected) {
  const YamlNode* value = find(key);
  const YamlNode& at = value == nullptr ? *node_ : *value;
  source_.complain(at, path_of(key), value == nullptr ? "it is missing" : words_of(*value),
                   std::move(expected));
}

const YamlNode* YamlFields::find_scalar(std::string_view key, const char* expected) {
  const YamlNode* value = find(key);
  if (value == nullptr || value->is_scalar()) return value;
  complain(key, expected);
  return nullptr;
}

std::string YamlFields::text(std::string_view key, std::size_t bytes_max) {
  const YamlNode* value = find_scalar(key, "a text");
  if (value == nullptr) return {};
  if (value->text.size() <= bytes_max) return value->text;
  complain(key, fmt::format("at most {} bytes", bytes_max));
  return {};
}

std::optional<bool> YamlFields::flag(std::string_view key) {
  const YamlNode* value = find_scalar(key, "true or false");
  if (value == nullptr) return std::nullopt;
  const Json json = json_of(*value);
  if (json.is_boolean()) return json.get<bool>();
  complain(key, "true or false");
  return std::nullopt;
}

std::optional<std::int64_t> YamlFields::integer(std::string_view key, std::int64_t least,
                                                std::int64_t most) {
  const YamlNode* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto number = value->is_scalar() ? integer_of(*value) : std::nullopt;
  if (number && *number >= least && *number <= most) return number;
  complain(key, fmt::format("an integer from {} to {}", least, most));
  return std::nullopt;
}

std::optional<rt::Nanos> YamlFields::duration(std::string_view key, rt::Nanos least,
                                              rt::Nanos most) {
  const YamlNode* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto found = value->is_scalar() ? rt::parse_duration(value->text) : std::nullopt;
  if (found && *found >= least && *found <= most) return found;
  complain(key, fmt::format("a duration such as 90s, from {} to {}", rt::format_duration(least),
                            rt::format_duration(most)));
  return std::nullopt;
}

std::uint64_t YamlFields::size(std::string_view key) {
  const YamlNode* value = find(key);
  if (value == nullptr) return 0;
  const auto found = value->is_scalar() ? rt::parse_bytes(value->text) : std::nullopt;
  if (found && *found > 0) return static_cast<std::uint64_t>(*found);
  complain(key, "a size such as 512MiB");
  return 0;
}

std::uint32_t YamlFields::minutes(std::string_view key) {
  constexpr double kMinuteS = 60;
  const YamlNode* value = find(key);
  if (value == nullptr) return 0;
  const auto found = value->is_scalar() ? pipeline::parse_number(value->text) : std::nullopt;
  const double seconds = std::ceil(found.value_or(0) * kMinuteS);
  if (seconds >= 1 && seconds <= pipeline::kSecondsMax) return static_cast<std::uint32_t>(seconds);
  complain(key, "a number of minutes above 0, at most 30 days");
  return 0;
}

std::vector<std::string> YamlFields::texts(std::string_view key) {
  const YamlNode* value = find(key);
  if (value == nullptr) return {};
  if (value->is_scalar() && value->text.size() <= pipeline::kTextBytesMax) return {value->text};
  std::vector<std::string> out;
  bool is_right = value->is_list() && value->items.size() <= pipeline::kEntriesMax;
  for (std::size_t i = 0; is_right && i < value->items.size(); ++i) {
    const YamlNode& each = value->items[i];
    is_right = each.is_scalar() && each.text.size() <= pipeline::kTextBytesMax;
    out.push_back(each.text);
  }
  if (is_right) return out;
  complain(key, fmt::format("a text, or a list of at most {} texts, of at most {} bytes each",
                            pipeline::kEntriesMax, pipeline::kTextBytesMax));
  return {};
}

std::map<std::string, std::string> YamlFields::text_map(std::string_view key) {
  const YamlNode* value = find(key);
  if (value == nullptr || value->is_null()) return {};
  std::map<std::string, std::string> out;
  if (!value->is_mapping() || value->items.size() > pipeline::kEntriesMax) {
    complain(key, fmt::format("a mapping of at most {} texts", pipeline::kEntriesMax));
    return {};
  }
  for (std::size_t i = 0; i < value->items.size(); ++i) {
    const YamlNode& each = value->items[i];
    const std::string& name = value->keys[i].text;
    const bool fits = !name.empty() && name.size() <= pipeline::kNameBytesMax &&
                      each.text.size() <= pipeline::kTextBytesMax;
    if (fits && (each.is_scalar() || each.is_null())) {
      out.emplace(name, each.text);
      continue;
    }
    source_.complain(each, path_of(key) + "." + name, words_of(each),
                     fmt::format("a text of at most {} bytes, and a name of 1 to {}",
                                 pipeline::kTextBytesMax, pipeline::kNameBytesMax));
  }
  return out;
}

YamlFields YamlFields::fields(std::string_view key) {
  const YamlNode* value = find(key);
  return {source_, value == nullptr ? kNothing : *value, path_of(key)};
}

void YamlFields::only(const std::vector<std::string>& known) {
  for (const YamlNode::Key& key : node_->keys) {
    if (std::ranges::find(known, key.text) != known.end()) continue;
    std::string near = source_.problems.near_name(key.text, known);
    if (near.empty() && key.text == "true" && std::ranges::find(known, "on") != known.end()) {
      near = " (it was `on` before a program wrote it as YAML 1.1?)";
    }
    source_.problems.add({source_.file, key.line, key.column}, path_of(key.text),
                         "nothing has this name here" + near,
                         fmt::format("one of {}", fmt::join(known, ", ")));
  }
}

}  // namespace fieldpost::coordinator
