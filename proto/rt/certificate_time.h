#pragma once

#include <optional>

#include "proto/rt/time.h"

namespace fieldpost::rt {

/// From now on certificates of servers are checked at `at`; at the wall clock if there is none. For
/// the whole process, whichever library makes the connection: OpenSSL's verification parameters for
/// servers are looked up by name (X509_VERIFY_PARAM_lookup(3)), and ours stands before its own.
/// First call it before any connection is made; one thread only. A connection that is being made
/// meanwhile is checked at the one time or the other.
void set_certificate_time(std::optional<UnixTime> at);

}  // namespace fieldpost::rt
