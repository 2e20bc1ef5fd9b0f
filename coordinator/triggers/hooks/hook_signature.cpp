#include "coordinator/triggers/hooks/hook_signature.h"

#include <fmt/format.h>
#include <sodium.h>

#include <array>

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;

using Digest = std::array<unsigned char, crypto_auth_hmacsha256_BYTES>;
static_assert(crypto_auth_hmacsha256_BYTES == crypto_hash_sha256_BYTES);

constexpr std::string_view kGithubHeader = "X-Hub-Signature-256";
constexpr std::string_view kGiteaHeader = "X-Gitea-Signature";
constexpr std::string_view kGitlabHeader = "X-Gitlab-Token";
constexpr std::string_view kGithubPrefix = "sha256=";

const unsigned char* unsigned_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Digest hmac_sha256(std::string_view secret, std::string_view body) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, unsigned_bytes(secret), secret.size());
  crypto_auth_hmacsha256_update(&state, unsigned_bytes(body), body.size());
  Digest digest{};
  crypto_auth_hmacsha256_final(&state, digest.data());
  sodium_memzero(&state, sizeof(state));
  return digest;
}

Digest sha256(std::string_view bytes) {
  Digest digest{};
  crypto_hash_sha256(digest.data(), unsigned_bytes(bytes), bytes.size());
  return digest;
}

bool same(const Digest& a, const Digest& b) {
  return sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string hex(const Digest& digest) {
  std::array<char, 2 * sizeof(Digest) + 1> digits{};
  sodium_bin2hex(digits.data(), digits.size(), digest.data(), digest.size());
  return digits.data();
}

Error missing(std::string_view header) {
  return {Errc::kNotFound,
          fmt::format("hook: no {} header; has the hook a secret at the forge?", header)};
}

Error wrong(std::string_view header) {
  return {Errc::kDenied,
          fmt::format("hook: the {} header is that of another secret than ours", header)};
}

rt::Status check_hmac(std::string_view header, std::string_view prefix, std::string_view said,
                      std::string_view body, std::string_view secret) {
  if (said.empty()) return missing(header);
  const std::string_view digits = said.substr(said.starts_with(prefix) ? prefix.size() : 0);
  Digest signature{};
  std::size_t size = 0;
  const char* end = nullptr;
  const bool is_hex = said.starts_with(prefix) && digits.size() == 2 * signature.size() &&
                      sodium_hex2bin(signature.data(), signature.size(), digits.data(),
                                     digits.size(), nullptr, &size, &end) == 0 &&
                      size == signature.size() && end == digits.data() + digits.size();
  if (!is_hex) {
    return Error{Errc::kInvalid, fmt::format("hook: the {} header is not \"{}\" and {} hex digits",
                                             header, prefix, 2 * signature.size())};
  }
  if (!same(signature, hmac_sha256(secret, body))) return wrong(header);
  return rt::ok();
}

/// Hashes are compared, so that the time tells nothing of the length either.
rt::Status check_token(std::string_view said, std::string_view secret) {
  if (said.empty()) return missing(kGitlabHeader);
  if (!same(sha256(said), sha256(secret))) return wrong(kGitlabHeader);
  return rt::ok();
}

}  // namespace

rt::Status check_hook_signature(Forge forge, const rt::HttpHeaders& headers, std::string_view body,
                                std::string_view secret) {
  if (secret.size() < kHookSecretBytesMin) {
    return Error{Errc::kDenied, fmt::format("hook: its secret is shorter than {} bytes; nobody is "
                                            "let in by it",
                                            kHookSecretBytesMin)};
  }
  const std::string_view github = headers.get(kGithubHeader), gitea = headers.get(kGiteaHeader);
  switch (forge) {
    case Forge::kGithub: return check_hmac(kGithubHeader, kGithubPrefix, github, body, secret);
    case Forge::kGitea:
      if (gitea.empty() && !github.empty()) {
        return check_hmac(kGithubHeader, kGithubPrefix, github, body, secret);
      }
      return check_hmac(kGiteaHeader, "", gitea, body, secret);
    case Forge::kGitlab: return check_token(headers.get(kGitlabHeader), secret);
    case Forge::kGit: break;
  }
  return Error{Errc::kInvalid, "hook: plain git sends none"};
}

std::string hmac_sha256_hex(std::string_view secret, std::string_view body) {
  return hex(hmac_sha256(secret, body));
}

std::string sha256_hex(std::string_view bytes) {
  return hex(sha256(bytes));
}

}  // namespace fieldpost::coordinator
