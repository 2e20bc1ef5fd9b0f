#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/pipeline/json.h"

namespace fieldpost::pipeline {

/// ASCII only.
[[nodiscard]] std::string lower_case(std::string_view text);
[[nodiscard]] bool same_ignoring_case(std::string_view a, std::string_view b);

/// "12", "-1.5e3", "0xff", "0o17".
[[nodiscard]] std::optional<double> parse_number(std::string_view text);

/// As GitHub converts: null, false, 0, NaN and "" are not.
[[nodiscard]] bool is_true(const Json& value);
/// NaN when it is none.
[[nodiscard]] double number_of(const Json& value);
/// Numbers with at most 15 digits; "Array" and "Object" for those.
[[nodiscard]] std::string text_of(const Json& value);
/// Values of two types are compared as numbers, texts without regard to case.
[[nodiscard]] bool loosely_equal(const Json& a, const Json& b);
/// The same; false when there is no order, as with NaN, lists and objects.
[[nodiscard]] bool loosely_less(const Json& a, const Json& b);

}  // namespace fieldpost::pipeline
