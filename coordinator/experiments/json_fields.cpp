#include "coordinator/experiments/json_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "coordinator/http/parameters.h"
#include "proto/rt/json_depth.h"

namespace fieldpost::coordinator {

using nlohmann::json;

namespace {

const json& as_json(const void* value) {
  return *static_cast<const json*>(value);
}

/// Integers beyond 2^63 are none.
std::optional<std::int64_t> integer_of(const json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  return value.get<std::int64_t>();
}

std::optional<double> finite(const json& value) {
  if (!value.is_number() || !std::isfinite(value.get<double>())) return std::nullopt;
  return value.get<double>();
}

}  // namespace

struct JsonFields::Document {
  json root;
  std::string problem;
};

JsonFields::JsonFields(std::string_view text, std::string_view expected, std::string path)
    : document_(std::make_shared<Document>()), path_(std::move(path)) {
  if (!rt::nests_too_deep(text)) {
    document_->root = text.empty() ? json::object() : json::parse(text, nullptr, false);
  }
  if (!document_->root.is_object()) {
    document_->root = json::object();
    document_->problem = expected;
  }
  value_ = &document_->root;
}

JsonFields::JsonFields(std::shared_ptr<Document> document, const void* value, std::string path)
    : document_(std::move(document)), value_(value), path_(std::move(path)) {}

const void* JsonFields::find(std::string_view name) const {
  const json& object = as_json(value_);
  const auto at = object.find(std::string(name));
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

bool JsonFields::has(std::string_view name) const {
  return find(name) != nullptr;
}

std::string JsonFields::text(std::string_view name, std::size_t bytes_max) {
  const void* value = find(name);
  if (value == nullptr) return {};
  const bool fits = as_json(value).is_string() &&
                    as_json(value).get_ref<const std::string&>().size() <= bytes_max;
  if (fits) return as_json(value).get<std::string>();
  complain(name, fmt::format("expected a string of at most {} bytes", bytes_max));
  return {};
}

std::string JsonFields::required_text(std::string_view name, std::size_t bytes_max) {
  std::string value = text(name, bytes_max);
  if (value.empty()) {
    complain(name, fmt::format("expected a string of 1 to {} bytes", bytes_max));
  }
  return value;
}

bool JsonFields::flag(std::string_view name, bool otherwise) {
  const void* value = find(name);
  if (value == nullptr) return otherwise;
  if (as_json(value).is_boolean()) return as_json(value).get<bool>();
  complain(name, "expected true or false");
  return otherwise;
}

std::optional<double> JsonFields::number(std::string_view name) {
  const void* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto found = finite(as_json(value));
  if (!found) complain(name, "expected a number");
  return found;
}

std::optional<std::int64_t> JsonFields::integer(std::string_view name) {
  const void* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto found = integer_of(as_json(value));
  if (!found) complain(name, "expected an integer");
  return found;
}

std::optional<std::int64_t> JsonFields::time(std::string_view name) {
  const void* value = find(name);
  if (value == nullptr) return std::nullopt;
  auto found = integer_of(as_json(value));
  if (as_json(value).is_string()) found = parse_time(as_json(value).get<std::string>());
  if (!found) complain(name, kTimeExpected);
  return found;
}

const void* JsonFields::array(std::string_view name, std::size_t count_max) {
  const void* value = find(name);
  if (value == nullptr) return nullptr;
  if (as_json(value).is_array() && as_json(value).size() <= count_max) return value;
  complain(name, fmt::format("expected a list of at most {}", count_max));
  return nullptr;
}

std::vector<std::string> JsonFields::texts(std::string_view name, std::size_t count_max) {
  std::vector<std::string> out;
  const void* value = array(name, count_max);
  if (value == nullptr) return out;
  for (const json& each : as_json(value)) {
    if (!each.is_string()) {
      complain(name, "expected a list of strings");
      return {};
    }
    out.push_back(each.get<std::string>());
  }
  return out;
}

std::vector<double> JsonFields::numbers(std::string_view name, std::size_t count_max) {
  std::vector<double> out;
  const void* value = array(name, count_max);
  if (value == nullptr) return out;
  for (const json& each : as_json(value)) {
    const auto number = finite(each);
    if (!number) {
      complain(name, "expected a list of numbers");
      return {};
    }
    out.push_back(*number);
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> JsonFields::text_map(std::string_view name,
                                                                      std::size_t count_max) {
  std::vector<std::pair<std::string, std::string>> out;
  const void* value = find(name);
  if (value == nullptr) return out;
  if (!as_json(value).is_object() || as_json(value).size() > count_max) {
    complain(name, fmt::format("expected an object of at most {} strings", count_max));
    return out;
  }
  for (const auto& [key, each] : as_json(value).items()) {
    if (!each.is_string()) {
      complain(name, "expected an object of strings");
      return {};
    }
    out.emplace_back(key, each.get<std::string>());
  }
  return out;
}

JsonFields JsonFields::object(std::string_view name) {
  static const json kEmpty = json::object();
  const void* value = find(name);
  if (value != nullptr && !as_json(value).is_object()) {
    complain(name, "expected an object");
    value = nullptr;
  }
  return {document_, value == nullptr ? &kEmpty : value, fmt::format("{}{}/", path_, name)};
}

std::vector<JsonFields> JsonFields::objects(std::string_view name, std::size_t count_max) {
  std::vector<JsonFields> out;
  const void* value = array(name, count_max);
  if (value == nullptr) return out;
  for (const json& each : as_json(value)) {
    if (!each.is_object()) {
      complain(name, "expected a list of objects");
      return {};
    }
    out.push_back(JsonFields(document_, &each, fmt::format("{}{}/{}/", path_, name, out.size())));
  }
  return out;
}

std::string JsonFields::raw(std::string_view name) const {
  const void* value = find(name);
  return value == nullptr ? std::string() : as_json(value).dump();
}

void JsonFields::only(std::initializer_list<std::string_view> names) {
  for (const auto& [key, value] : as_json(value_).items()) {
    if (std::ranges::find(names, key) != names.end()) continue;
    complain(key, fmt::format("nothing has this name here; expected {}", fmt::join(names, ", ")));
  }
}

void JsonFields::complain(std::string_view name, std::string_view expected) {
  if (!document_->problem.empty()) return;
  document_->problem = fmt::format("\"{}{}\": {}", path_, name, expected);
}

const std::string& JsonFields::problem() const {
  return document_->problem;
}

}  // namespace fieldpost::coordinator
