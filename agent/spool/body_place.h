#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/intake.h"

namespace fieldpost::agent {

/// As the spool keeps it: `HASH SIZE OFFSET`.
[[nodiscard]] std::string encode(const BodyPlace& place);
/// nullopt: it is none.
[[nodiscard]] std::optional<BodyPlace> decode_body_place(std::string_view text);

}  // namespace fieldpost::agent
