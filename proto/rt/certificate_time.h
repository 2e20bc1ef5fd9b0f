#pragma once

#include <optional>

#include "proto/rt/time.h"

namespace fieldpost::rt {

/// From now on certificates of servers are checked at `at`; at the wall clock if there is none. For
/// the whole process, whichever library makes the connection: OpenSSL's verification parameters for
/// servers are looked up by name (X509_VERIFY_PARAM_lookup(3)), and ours stands before its own.
/// Call it while no connection is being made, from one thread at a time.
void set_certificate_time(std::optional<UnixTime> at);

}  // namespace fieldpost::rt
