#pragma once

#include <string>
#include <string_view>

#include "proto/rt/random.h"
#include "proto/wire/ids.h"

namespace fieldpost::coordinator {

/// A random UUID (RFC 9562, version 4), lower case.
[[nodiscard]] std::string make_uuid(rt::Random& random);
/// One that stands for a hash (version 8): the same hash, the same UUID.
[[nodiscard]] std::string uuid_of(const wire::Hash128& hash);
/// Whether a text has the shape of one: 8-4-4-4-12 hex digits, lower case, of whatever version.
[[nodiscard]] bool is_uuid(std::string_view text);

}  // namespace fieldpost::coordinator
