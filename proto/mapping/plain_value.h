#pragma once

#include <optional>
#include <string_view>

/// Values that devices write as plain text.
namespace fieldpost::mapping {

/// Without blanks, line ends and zero bytes around it: some senders end their text with them.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// All of the text as one number, perhaps with a plus sign. It need not be finite.
[[nodiscard]] std::optional<double> parse_plain_number(std::string_view text);

}  // namespace fieldpost::mapping
