#include "proto/rt/certificate_time.h"

#include <openssl/x509_vfy.h>

#include <chrono>

#include "proto/rt/result.h"

namespace fieldpost::rt {

void set_certificate_time(std::optional<UnixTime> at) {
  constexpr const char* kServers = "ssl_server";  // as libssl looks it up for the peer of a client
  X509_VERIFY_PARAM_table_cleanup();
  if (!at) return;
  X509_VERIFY_PARAM* param = X509_VERIFY_PARAM_new();
  FP_CHECK(param != nullptr);
  const X509_VERIFY_PARAM* usual = X509_VERIFY_PARAM_lookup(kServers);
  FP_CHECK(usual != nullptr && X509_VERIFY_PARAM_set1(param, usual) == 1);
  FP_CHECK(X509_VERIFY_PARAM_set1_name(param, kServers) == 1);
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::nanoseconds(at->ns));
  X509_VERIFY_PARAM_set_time(param, static_cast<time_t>(seconds.count()));
  FP_CHECK(X509_VERIFY_PARAM_add0_table(param) == 1);
}

}  // namespace fieldpost::rt
