#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fieldpost::coordinator {

/// `text` in double quotes for a message, its control characters escaped and what is above
/// `bytes_max` cut off.
[[nodiscard]] std::string in_quotes(std::string_view text, std::size_t bytes_max = 80);

}  // namespace fieldpost::coordinator
