#include "proto/rt/certificate_time.h"

#include <openssl/x509_vfy.h>

#include <chrono>

#include "proto/rt/result.h"

namespace fieldpost::rt {

namespace {

/// In OpenSSL's table for as long as the process lives: other threads may be looking at it.
X509_VERIFY_PARAM* registered() {
  constexpr const char* kServers = "ssl_server";  // as libssl looks it up for the peer of a client
  X509_VERIFY_PARAM* param = X509_VERIFY_PARAM_new();
  FP_CHECK(param != nullptr);
  const X509_VERIFY_PARAM* usual = X509_VERIFY_PARAM_lookup(kServers);
  FP_CHECK(usual != nullptr && X509_VERIFY_PARAM_set1(param, usual) == 1);
  FP_CHECK(X509_VERIFY_PARAM_set1_name(param, kServers) == 1);
  FP_CHECK(X509_VERIFY_PARAM_add0_table(param) == 1);
  return param;
}

}  // namespace

void set_certificate_time(std::optional<UnixTime> at) {
  static X509_VERIFY_PARAM* const param = registered();
  if (!at) {
    X509_VERIFY_PARAM_clear_flags(param, X509_V_FLAG_USE_CHECK_TIME);
    return;
  }
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::nanoseconds(at->ns));
  X509_VERIFY_PARAM_set_time(param, static_cast<time_t>(seconds.count()));
}

}  // namespace fieldpost::rt
