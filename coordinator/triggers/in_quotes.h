#pragma once

#include <string>
#include <string_view>

namespace fieldpost::coordinator {

/// `text` in double quotes for a message, its control characters escaped and its end cut off when
/// it is long.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace fieldpost::coordinator
