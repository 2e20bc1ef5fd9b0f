#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "coordinator/triggers/hooks/hook_signature.h"

using namespace fieldpost;  // NOLINT
using coordinator::check_hook_signature;
using coordinator::Forge;
using coordinator::hmac_sha256_hex;
using rt::Errc;

namespace {

const std::string kSecret = "a secret of the hook";

}  // namespace

TEST_CASE("signatures are those of the forges' documents") {
  // GitHub's own example, and RFC 4231, test case 2.
  CHECK(hmac_sha256_hex("It's a Secret to Everybody", "Hello, World!") ==
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
  CHECK(hmac_sha256_hex("Jefe", "what do ya want for nothing?") ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("missing, malformed and wrong signatures are three errors") {
  const std::string body = "{}";
  const std::string hmac = hmac_sha256_hex(kSecret, body);
  const auto check = [&](Forge forge, const rt::HttpHeaders& headers) {
    const auto status = check_hook_signature(forge, headers, body, kSecret);
    return status ? std::optional<Errc>() : status.error().code;
  };
  CHECK_FALSE(check(Forge::kGithub, {{"x-hub-signature-256", "sha256=" + hmac}}).has_value());
  CHECK(check(Forge::kGithub, {}) == Errc::kNotFound);
  CHECK(check(Forge::kGithub, {{"X-Hub-Signature", "sha1=00"}}) == Errc::kNotFound);
  const std::string wrong = hmac_sha256_hex("another secret", body);
  CHECK(check(Forge::kGithub, {{"X-Hub-Signature-256", "sha256=" + wrong}}) == Errc::kDenied);
  for (const std::string& bad :
       {hmac, "sha1=" + hmac, "sha256=" + hmac.substr(1), "sha256=" + hmac + "0",
        "sha256=" + std::string(64, 'g'), std::string("sha256=")}) {
    INFO(bad);
    CHECK(check(Forge::kGithub, {{"X-Hub-Signature-256", bad}}) == Errc::kInvalid);
  }
  CHECK_FALSE(check(Forge::kGitea, {{"X-Gitea-Signature", hmac}}).has_value());
  CHECK_FALSE(check(Forge::kGitea, {{"X-Hub-Signature-256", "sha256=" + hmac}}).has_value());
  CHECK(check(Forge::kGitea, {}) == Errc::kNotFound);
  CHECK(check(Forge::kGitea, {{"X-Gitea-Signature", wrong}}) == Errc::kDenied);
  CHECK(check(Forge::kGitea, {{"X-Gitea-Signature", "sha256=" + hmac}}) == Errc::kInvalid);
  CHECK_FALSE(check(Forge::kGitlab, {{"X-Gitlab-Token", kSecret}}).has_value());
  CHECK(check(Forge::kGitlab, {}) == Errc::kNotFound);
  CHECK(check(Forge::kGitlab, {{"X-Gitlab-Token", kSecret + "x"}}) == Errc::kDenied);
  CHECK(check(Forge::kGit, {}) == Errc::kInvalid);
}

TEST_CASE("a hook without a secret of some length lets nobody in") {
  for (const std::string secret : {"", "short"}) {
    const rt::HttpHeaders headers{{"X-Gitlab-Token", secret}};
    const auto status = check_hook_signature(Forge::kGitlab, headers, "{}", secret);
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().code == Errc::kDenied);
  }
}
