#pragma once

#include <string>
#include <string_view>

#include "coordinator/triggers/hook_event.h"
#include "proto/rt/http.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kHookSecretBytesMin = 8;

/// Whether a message was sent by who knows the secret of its hook: by GitHub's
/// `X-Hub-Signature-256`, Gitea's `X-Gitea-Signature` (or GitHub's, which it sends too), both
/// HMAC-SHA256 of the body; or by GitLab's `X-Gitlab-Token`, the secret itself. Takes the same time
/// for every wrong one.
///
/// kNotFound: the message has none; kInvalid: it is none; kDenied: it is that of another secret or
/// body, or `secret` is shorter than kHookSecretBytesMin.
[[nodiscard]] rt::Status check_hook_signature(Forge forge, const rt::HttpHeaders& headers,
                                              std::string_view body, std::string_view secret);

/// Lower-case hex digits.
[[nodiscard]] std::string hmac_sha256_hex(std::string_view secret, std::string_view body);
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace fieldpost::coordinator
