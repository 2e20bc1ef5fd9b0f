#pragma once

#include <cstddef>
#include <string_view>

#include "proto/rt/result.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kRefBytesMax = 1024;
inline constexpr std::size_t kGitUrlBytesMax = 2048;

/// 40 or 64 hex digits in lower case: SHA-1 or SHA-256.
[[nodiscard]] bool is_commit_id(std::string_view text);
/// Of nothing but zeros: what git writes where there is no commit.
[[nodiscard]] bool is_no_commit(std::string_view text);

/// The name of a branch, as git-check-ref-format wants it, and none that begins with '-'.
[[nodiscard]] bool is_branch_name(std::string_view text);
/// The same behind "refs/".
[[nodiscard]] bool is_ref(std::string_view text);

/// Whether git may be told to fetch from there: https://, ssh://, git:// or file://, no password,
/// nothing that git or ssh could take for an option. kInvalid says what is wrong, and does not
/// repeat what may be a secret.
[[nodiscard]] rt::Status check_git_url(std::string_view url);

}  // namespace fieldpost::coordinator
