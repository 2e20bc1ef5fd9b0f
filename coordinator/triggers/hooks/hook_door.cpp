#include "coordinator/triggers/hooks/hook_door.h"

#include <fmt/format.h>

#include <algorithm>

#include "coordinator/triggers/hooks/gitea.h"
#include "coordinator/triggers/hooks/github.h"
#include "coordinator/triggers/hooks/gitlab.h"
#include "coordinator/triggers/hooks/hook_json.h"
#include "coordinator/triggers/hooks/hook_signature.h"
#include "coordinator/triggers/in_quotes.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;

/// "application/json", with or without a charset.
bool is_json(std::string_view content_type) {
  constexpr std::string_view kJson = "application/json";
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return std::ranges::equal(content_type.substr(0, kJson.size()), kJson, same) &&
         (content_type.size() == kJson.size() || content_type[kJson.size()] == ';' ||
          content_type[kJson.size()] == ' ');
}

rt::Result<HookEvent> read_body(Forge forge, const rt::HttpHeaders& headers, const HookJson& body) {
  switch (forge) {
    case Forge::kGithub: return read_github_hook(headers, body);
    case Forge::kGitlab: return read_gitlab_hook(headers, body);
    case Forge::kGitea: return read_gitea_hook(headers, body);
    case Forge::kGit: break;
  }
  return Error{Errc::kInvalid, "hook: plain git sends none"};
}

}  // namespace

rt::Result<HookEvent> read_hook(const HookDoor& door, const rt::HttpHeaders& headers,
                                std::string_view body, rt::UnixTime received) {
  if (body.size() > kHookBodyBytesMax) {
    return Error{Errc::kFull,
                 fmt::format("hook: its body is longer than {} MiB", kHookBodyBytesMax >> 20)};
  }
  if (auto checked = check_hook_signature(door.forge, headers, body, door.secret); !checked) {
    return checked.error();
  }
  if (const std::string_view type = headers.get("Content-Type"); !is_json(type)) {
    return Error{Errc::kInvalid, fmt::format("hook: expected the content type application/json, to "
                                             "be set at the forge, found {}",
                                             in_quotes(type))};
  }
  const auto json = HookJson::parse(body);
  if (!json) return json.error();
  auto event = read_body(door.forge, headers, *json);
  if (event) event->received = received;
  return event;
}

}  // namespace fieldpost::coordinator
