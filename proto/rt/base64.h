#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Base64 with padding (RFC 4648, section 4).
namespace fieldpost::rt {

[[nodiscard]] std::string to_base64(std::string_view bytes);
/// nullopt: it is not that, to the last character.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace fieldpost::rt
