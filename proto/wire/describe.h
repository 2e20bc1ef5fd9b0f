#pragma once

#include <string>
#include <string_view>

#include "proto/wire/signing.h"

namespace fieldpost::wire {

/// One JSON object on one line that says what a message is, for people. Ids, nonces and numbers of
/// 64 bits are hex, times RFC 3339. A signed message is opened unverified; with a `key` it says
/// "verified". What cannot be decoded is {"topic", "error", "bytes"}.
[[nodiscard]] std::string describe_message(std::string_view topic, std::string_view payload,
                                           const PublicKey* key = nullptr);

}  // namespace fieldpost::wire
