#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/wire/line_protocol.h"

/// Values and times inside a line. Each `take_…` moves `at` past what it understood, never past
/// `end`; it returns what was wrong, or nullptr.
namespace fieldpost::wire {

struct FieldValue {
  ValueType type = ValueType::kF64;
  std::uint64_t bits = 0;
  std::string_view text;  ///< kString: what stands between the quotes, escapes and all
};

[[nodiscard]] const char* take_value(const char*& at, const char* end, FieldValue& out);

/// Whole numbers scaled to nanoseconds.
[[nodiscard]] const char* take_time(const char*& at, const char* end, Precision precision,
                                    std::int64_t& ns);

/// Resolves `\"` and `\\`; any other backslash stands for itself.
void unescape_string(std::string_view text, std::string& out);

/// Where a value, a time or a line ends.
[[nodiscard]] inline bool ends_token(char c) {
  return c == ',' || c == ' ' || c == '\n' || c == '\r';
}

}  // namespace fieldpost::wire
