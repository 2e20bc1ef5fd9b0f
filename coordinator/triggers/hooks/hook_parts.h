#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "coordinator/triggers/hook_event.h"
#include "coordinator/triggers/hooks/hook_json.h"
#include "proto/rt/http.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

/// What the messages of all forges have in common. Errors are kInvalid and name the member.

/// A field of the header that is short and plain; else empty.
[[nodiscard]] std::string plain_header(const rt::HttpHeaders& headers, std::string_view name);

/// The repository's name, which must be there, and its addresses.
[[nodiscard]] rt::Status read_repository(HookEvent& event, const HookJson& body,
                                         std::string_view name_path,
                                         std::initializer_list<std::string_view> url_paths);
/// `ref`, `before`, `after` of a push, and the paths of its `commits`; truncated for a new branch,
/// whose commits are not all that it has.
[[nodiscard]] rt::Status read_push(HookEvent& event, const HookJson& body);

/// The names of branches and the commit of a pull request.
[[nodiscard]] rt::Status check_pull(const PullRequest& pull);

}  // namespace fieldpost::coordinator
