#pragma once

#include <string_view>

namespace fieldpost::rt {

/// Writing a JSON value goes as deep as it nests, on the stack: what others nest deeper than this
/// is not taken for JSON.
inline constexpr int kJsonDepthMax = 64;

/// Of a text that may be JSON; whether it is, its parser says.
[[nodiscard]] bool nests_too_deep(std::string_view json);

}  // namespace fieldpost::rt
