#pragma once

#include <string>
#include <string_view>

namespace fieldpost::coordinator {

/// What was expected of five fields of cron (minute, hour, day of month, month, day of week), with
/// `*`, ranges, lists, steps and English names; empty when nothing is wrong. Whether a day ever
/// comes is not looked at.
[[nodiscard]] std::string what_is_wrong_with_cron(std::string_view text);

}  // namespace fieldpost::coordinator
