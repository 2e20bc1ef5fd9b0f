#include "agent/runner/job/job_fields.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "proto/rt/json_depth.h"

namespace fieldpost::agent::runner {

using nlohmann::json;

namespace {

constexpr std::size_t kPairBytesMax = 256 * 1024;  ///< of a value: secrets may be files

bool is_scalar(const json& value) {
  return value.is_string() || value.is_number() || value.is_boolean();
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

struct JobFields::Value {
  json object;

  [[nodiscard]] const json* find(const char* key) const {
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
  }
};

rt::Result<JobFields> JobFields::parse(std::string_view text) {
  if (rt::nests_too_deep(text)) {
    return rt::Error{rt::Errc::kInvalid, "job spec: it nests too deep"};
  }
  json value = json::parse(text, nullptr, false);
  if (!value.is_object()) {
    return rt::Error{rt::Errc::kInvalid, "job spec: expected a JSON object"};
  }
  return JobFields(std::make_shared<const Value>(Value{std::move(value)}), "",
                   std::make_shared<std::optional<rt::Error>>());
}

void JobFields::fail(std::string_view key, std::string_view expected) {
  if (*error_) return;
  *error_ = rt::Error{rt::Errc::kInvalid,
                      fmt::format("job spec: {}{}: expected {}", where_, key, expected)};
}

std::string JobFields::text(const char* key, TextBounds bounds) {
  const json* found = value_->find(key);
  const bool fits =
      found == nullptr ||
      (found->is_string() && found->get_ref<const std::string&>().size() <= bounds.bytes_max);
  std::string read = found != nullptr && fits ? found->get<std::string>() : "";
  if (fits && read.find('\0') == std::string::npos && !(bounds.required && read.empty())) {
    return read;
  }
  fail(key, fmt::format("text of {} to {} bytes without zeros", bounds.required ? 1 : 0,
                        bounds.bytes_max));
  return {};
}

std::string JobFields::text_or_number(const char* key) {
  const json* found = value_->find(key);
  if (found != nullptr && found->is_number_unsigned()) return found->dump();
  return text(key, {.bytes_max = 200});
}

std::uint64_t JobFields::number(const char* key, NumberBounds bounds) {
  const json* found = value_->find(key);
  if (found == nullptr && !bounds.required) return bounds.preset;
  if (found != nullptr && found->is_number_unsigned()) {
    const auto value = found->get<std::uint64_t>();
    if (value >= bounds.least && value <= bounds.most) return value;
  }
  fail(key, fmt::format("a whole number from {} to {}", bounds.least, bounds.most));
  return bounds.preset;
}

bool JobFields::flag(const char* key) {
  const json* found = value_->find(key);
  if (found != nullptr && !found->is_boolean()) fail(key, "true or false");
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

std::vector<std::string> JobFields::texts(const char* key, std::size_t count_max) {
  std::vector<std::string> out;
  const json* found = value_->find(key);
  if (found == nullptr) return out;
  const auto refuse = [&] {
    fail(key, fmt::format("an array of at most {} texts, none empty", count_max));
    return std::vector<std::string>();
  };
  if (!found->is_array() || found->size() > count_max) return refuse();
  for (const json& each : *found) {
    if (!each.is_string() || each.get_ref<const std::string&>().empty()) return refuse();
    out.push_back(each.get<std::string>());
    if (out.back().find('\0') != std::string::npos) return refuse();
  }
  return out;
}

Pairs JobFields::pairs(const char* key, std::size_t count_max) {
  Pairs out;
  const json* found = value_->find(key);
  if (found == nullptr) return out;
  const auto refuse = [&] {
    fail(key, fmt::format("an object of at most {} texts, numbers or booleans of at most {} bytes",
                          count_max, kPairBytesMax));
    return Pairs();
  };
  if (!found->is_object() || found->size() > count_max) return refuse();
  for (const auto& [name, value] : found->items()) {
    if (!is_scalar(value)) return refuse();
    out.emplace_back(name, text_of(value));
    if (out.back().second.size() > kPairBytesMax) return refuse();
    if (out.back().second.find('\0') != std::string::npos) return refuse();
  }
  return out;
}

std::string JobFields::object_text(const char* key) {
  const json* found = value_->find(key);
  if (found == nullptr) return "{}";
  if (!found->is_object()) fail(key, "an object");
  return found->is_object() ? found->dump(-1, ' ', false, json::error_handler_t::replace) : "{}";
}

std::string JobFields::text_without(const char* key) const {
  json rest = value_->object;
  rest.erase(key);
  return rest.dump(-1, ' ', false, json::error_handler_t::replace);
}

void JobFields::each(const char* key, std::size_t count_max,
                     const std::function<void(JobFields&)>& take) {
  const json* found = value_->find(key);
  if (found == nullptr) return;
  const json array = found->is_object() ? json::array({*found}) : *found;
  if (!array.is_array() || array.size() > count_max) {
    return fail(key, fmt::format("an array of at most {} objects", count_max));
  }
  for (std::size_t i = 0; i < array.size(); ++i) {
    if (!array[i].is_object()) return fail(key, "an array of objects");
    const std::string where = found->is_object() ? fmt::format("{}{}.", where_, key)
                                                 : fmt::format("{}{}[{}].", where_, key, i);
    JobFields fields(std::make_shared<const Value>(Value{array[i]}), where, error_);
    take(fields);
  }
}

}  // namespace fieldpost::agent::runner
