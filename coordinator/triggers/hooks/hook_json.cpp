#include "coordinator/triggers/hooks/hook_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "proto/rt/json_depth.h"

namespace fieldpost::coordinator {
namespace {

using nlohmann::json;
using rt::Errc;
using rt::Error;
using rt::Result;

/// Names of all members that a hook is asked for, at whatever depth; sorted.
constexpr auto kNames = std::to_array<std::string_view>({
    "action",
    "added",
    "after",
    "base",
    "before",
    "clone_url",
    "commits",
    "created",
    "deleted",
    "forced",
    "full_name",
    "git_http_url",
    "git_ssh_url",
    "head",
    "id",
    "iid",
    "last_commit",
    "login",
    "merged",
    "modified",
    "number",
    "object_attributes",
    "object_kind",
    "oldrev",
    "path_with_namespace",
    "project",
    "pull_request",
    "ref",
    "removed",
    "repo",
    "repository",
    "sender",
    "sha",
    "source",
    "source_branch",
    "ssh_url",
    "target_branch",
    "total_commits",
    "total_commits_count",
    "user",
    "user_username",
    "username",
});

bool is_known(const std::string& name) {
  return std::ranges::binary_search(kNames, name);
}

const json& as_json(const void* value) {
  return *static_cast<const json*>(value);
}

bool is_plain(const std::string& text) {
  return text.size() <= HookJson::kTextBytesMax && std::ranges::none_of(text, [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

std::string plain_text(const json& value) {
  if (!value.is_string()) return {};
  const auto& text = value.get_ref<const std::string&>();
  return is_plain(text) ? text : std::string();
}

}  // namespace

Result<HookJson> HookJson::parse(std::string_view body) {
  if (body.size() > kHookBodyBytesMax) {
    return Error{Errc::kFull,
                 fmt::format("hook: its body is longer than {} MiB", kHookBodyBytesMax >> 20)};
  }
  if (rt::nests_too_deep(body)) {
    return Error{Errc::kInvalid,
                 fmt::format("hook: its body nests deeper than {}", rt::kJsonDepthMax)};
  }
  std::size_t values = 0;
  const auto keep = [&values](int, json::parse_event_t event, json& parsed) {
    values += 1;
    if (event != json::parse_event_t::key) return values <= kValuesMax;
    return values <= kValuesMax && is_known(parsed.get_ref<const std::string&>());
  };
  auto root = std::make_shared<json>(json::parse(body, keep, false));
  if (values > kValuesMax) {
    return Error{Errc::kFull, fmt::format("hook: its body has more than {} values", kValuesMax)};
  }
  if (!root->is_object()) return Error{Errc::kInvalid, "hook: its body is no JSON object"};
  return HookJson(std::shared_ptr<const void>(std::move(root)));
}

const void* HookJson::find(std::string_view path) const {
  const json* value = &as_json(value_.get());
  for (;;) {
    const std::size_t slash = path.find('/');
    if (!value->is_object()) return nullptr;
    const auto member = value->find(std::string(path.substr(0, slash)));
    if (member == value->end() || member->is_null()) return nullptr;
    value = &*member;
    if (slash == std::string_view::npos) return value;
    path.remove_prefix(slash + 1);
  }
}

bool HookJson::has(std::string_view path) const {
  return find(path) != nullptr;
}

std::string HookJson::text(std::string_view path) const {
  const void* value = find(path);
  return value == nullptr ? std::string() : plain_text(as_json(value));
}

std::optional<std::int64_t> HookJson::integer(std::string_view path) const {
  const void* value = find(path);
  if (value == nullptr || !as_json(value).is_number_integer()) return std::nullopt;
  const json& number = as_json(value);
  if (number.is_number_unsigned() && number.get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  return number.get<std::int64_t>();
}

bool HookJson::flag(std::string_view path) const {
  const void* value = find(path);
  return value != nullptr && as_json(value).is_boolean() && as_json(value).get<bool>();
}

std::size_t HookJson::count(std::string_view path) const {
  const void* value = find(path);
  return value != nullptr && as_json(value).is_array() ? as_json(value).size() : 0;
}

void HookJson::for_each(std::string_view path,
                        const std::function<void(const HookJson&)>& take) const {
  if (count(path) == 0) return;
  for (const json& each : as_json(find(path))) {
    if (each.is_object()) take(HookJson(std::shared_ptr<const void>(value_, &each)));
  }
}

void HookJson::for_each_text(std::string_view path,
                             const std::function<void(std::string)>& take) const {
  if (count(path) == 0) return;
  for (const json& each : as_json(find(path))) {
    std::string text = plain_text(each);
    if (!text.empty()) take(std::move(text));
  }
}

}  // namespace fieldpost::coordinator
