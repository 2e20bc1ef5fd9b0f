#include "coordinator/triggers/git/git_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;

constexpr std::size_t kSha1Digits = 40;
constexpr std::size_t kSha256Digits = 64;
constexpr std::array<std::string_view, 4> kSchemes = {"https", "ssh", "git", "file"};
constexpr std::string_view kNotInRefs = " ~^:?*[\\";

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// What stands between the slashes of a ref.
bool is_ref_part(std::string_view part) {
  return !part.empty() && part.front() != '.' && !part.ends_with(".lock");
}

bool has_ref_parts(std::string_view text) {
  for (;;) {
    const std::size_t slash = text.find('/');
    if (!is_ref_part(text.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

Error wrong(std::string_view what) {
  return {Errc::kInvalid, fmt::format("URL of a git repository: {}", what)};
}

}  // namespace

bool is_commit_id(std::string_view text) {
  if (text.size() != kSha1Digits && text.size() != kSha256Digits) return false;
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_no_commit(std::string_view text) {
  return is_commit_id(text) && text.find_first_not_of('0') == std::string_view::npos;
}

bool is_branch_name(std::string_view text) {
  if (text.empty() || text.size() > kRefBytesMax || text.front() == '-' || text == "@")
    return false;
  if (std::ranges::any_of(text, is_control)) return false;
  if (text.find_first_of(kNotInRefs) != std::string_view::npos) return false;
  if (text.find("..") != std::string_view::npos || text.find("@{") != std::string_view::npos) {
    return false;
  }
  return text.back() != '.' && has_ref_parts(text);
}

bool is_ref(std::string_view text) {
  constexpr std::string_view kRefs = "refs/";
  return text.size() <= kRefBytesMax && text.starts_with(kRefs) &&
         is_branch_name(text.substr(kRefs.size()));
}

rt::Status check_git_url(std::string_view url) {
  if (url.empty() || url.size() > kGitUrlBytesMax) {
    return wrong(fmt::format("expected 1 to {} bytes", kGitUrlBytesMax));
  }
  if (url.front() == '-') return wrong("it begins with '-' and would be an option");
  const bool is_plain = std::ranges::none_of(url, [](char c) {
    return is_control(c) || c == ' ' || c == '"' || c == '\'' || c == '\\' || c == '`';
  });
  if (!is_plain) return wrong("it holds spaces, quotes, backslashes or control characters");
  const std::size_t colon = url.find("://");
  const std::string_view scheme = url.substr(0, colon);
  if (colon == std::string_view::npos || std::ranges::find(kSchemes, scheme) == kSchemes.end()) {
    return wrong(
        "expected https://, ssh://, git:// or file:// (user@host:path is ssh://user@host/path)");
  }
  const std::string_view rest = url.substr(colon + 3);
  const std::string_view authority = rest.substr(0, rest.find('/'));
  const std::size_t at = authority.rfind('@');
  const std::string_view user = at == std::string_view::npos ? "" : authority.substr(0, at);
  const std::string_view host = at == std::string_view::npos ? authority : authority.substr(at + 1);
  if (user.find(':') != std::string_view::npos) {
    return wrong(
        "it holds a password, which every user of the machine could see; use a credential "
        "helper of git");
  }
  if (user.starts_with('-') || host.starts_with('-')) return wrong("its host begins with '-'");
  if (scheme == "file" ? !authority.empty() : host.empty()) {
    return wrong(scheme == "file" ? "expected file:///path" : "it has no host");
  }
  if (rest.size() <= authority.size() + 1) return wrong("it has no path");
  return rt::ok();
}

}  // namespace fieldpost::coordinator
