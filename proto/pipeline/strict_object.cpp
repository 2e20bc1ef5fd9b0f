#include "proto/pipeline/strict_object.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/pipeline/job_spec.h"

namespace fieldpost::pipeline {

StrictObject::StrictObject(const Json& object, std::string path, std::string& problem)
    : object_(object), path_(std::move(path)), problem_(problem) {}

void StrictObject::complain(std::string_view name, std::string_view expected) {
  if (problem_.empty()) problem_ = fmt::format("\"{}{}\": {}", path_, name, expected);
}

const Json* StrictObject::take(std::string_view name) {
  asked_.push_back(name);
  const auto at = object_.find(std::string(name));
  return at == object_.end() ? nullptr : &*at;
}

std::string StrictObject::text(std::string_view name, std::size_t bytes_max) {
  const Json* value = take(name);
  if (value == nullptr) return {};
  if (value->is_string() && value->get_ref<const std::string&>().size() <= bytes_max) {
    return value->get<std::string>();
  }
  complain(name, fmt::format("expected a string of at most {} bytes", bytes_max));
  return {};
}

std::string StrictObject::required_text(std::string_view name, std::size_t bytes_max) {
  std::string value = text(name, bytes_max);
  if (value.empty()) complain(name, fmt::format("expected a string of 1 to {} bytes", bytes_max));
  return value;
}

std::uint64_t StrictObject::number(std::string_view name, std::uint64_t most) {
  const Json* value = take(name);
  if (value == nullptr) return 0;
  if (value->is_number_unsigned() && value->get<std::uint64_t>() <= most) {
    return value->get<std::uint64_t>();
  }
  complain(name, fmt::format("expected an integer from 0 to {}", most));
  return 0;
}

bool StrictObject::flag(std::string_view name, bool otherwise) {
  const Json* value = take(name);
  if (value == nullptr) return otherwise;
  if (value->is_boolean()) return value->get<bool>();
  complain(name, "expected true or false");
  return otherwise;
}

std::vector<std::string> StrictObject::texts(std::string_view name) {
  const Json* value = take(name);
  if (value == nullptr) return {};
  std::vector<std::string> out;
  bool is_right = value->is_array() && value->size() <= kEntriesMax;
  for (std::size_t i = 0; is_right && i < value->size(); ++i) {
    const Json& each = (*value)[i];
    is_right = each.is_string() && each.get_ref<const std::string&>().size() <= kTextBytesMax;
    if (is_right) out.push_back(each.get<std::string>());
  }
  if (is_right) return out;
  complain(name, fmt::format("expected a list of at most {} strings of at most {} bytes",
                             kEntriesMax, kTextBytesMax));
  return {};
}

std::map<std::string, std::string> StrictObject::text_map(std::string_view name) {
  const Json* value = take(name);
  if (value == nullptr) return {};
  std::map<std::string, std::string> out;
  bool is_right = value->is_object() && value->size() <= kEntriesMax;
  for (auto at = value->begin(); is_right && at != value->end(); ++at) {
    const Json& each = at.value();
    is_right = !at.key().empty() && at.key().size() <= kNameBytesMax && each.is_string() &&
               each.get_ref<const std::string&>().size() <= kTextBytesMax;
    if (is_right) out.emplace(at.key(), each.get<std::string>());
  }
  if (is_right) return out;
  complain(name, fmt::format("expected an object of at most {} strings of at most {} bytes, with "
                             "names of 1 to {}",
                             kEntriesMax, kTextBytesMax, kNameBytesMax));
  return {};
}

std::string StrictObject::object_text(std::string_view name) {
  const Json* value = take(name);
  if (value == nullptr) return "{}";
  if (!value->is_object()) complain(name, "expected an object");
  return value->dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<StrictObject> StrictObject::objects(std::string_view name, std::size_t count_max) {
  const Json* value = take(name);
  if (value == nullptr) return {};
  std::vector<StrictObject> out;
  const bool is_list = value->is_array() && value->size() <= count_max;
  if (!is_list || !std::ranges::all_of(*value, [](const Json& each) { return each.is_object(); })) {
    complain(name, fmt::format("expected a list of at most {} objects", count_max));
    return out;
  }
  for (const Json& each : *value) {
    out.emplace_back(each, fmt::format("{}{}/{}/", path_, name, out.size()), problem_);
  }
  return out;
}

std::vector<StrictObject> StrictObject::object(std::string_view name) {
  const Json* value = take(name);
  std::vector<StrictObject> out;
  if (value == nullptr) return out;
  if (value->is_object()) {
    out.emplace_back(*value, fmt::format("{}{}/", path_, name), problem_);
  } else {
    complain(name, "expected an object");
  }
  return out;
}

void StrictObject::finish() {
  for (auto at = object_.begin(); at != object_.end(); ++at) {
    if (std::ranges::find(asked_, at.key()) != asked_.end()) continue;
    complain(at.key(),
             fmt::format("nothing has this name here; expected {}", fmt::join(asked_, ", ")));
  }
}

}  // namespace fieldpost::pipeline
