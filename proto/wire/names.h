#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Names inside series keys and line protocol: escaping and the characters they may have.
namespace fieldpost::wire {

/// Appends `name` with a backslash before comma, space, `=` and backslash.
void append_escaped(std::string& out, std::string_view name);

/// How many bytes `append_escaped` appends.
[[nodiscard]] std::size_t escaped_bytes(std::string_view name);

/// Takes a name off the front of `text` up to the first of `stops` that no backslash escapes (or to
/// the end). A backslash before any other character stands for itself.
[[nodiscard]] std::string take_name(std::string_view& text, std::string_view stops);

/// Valid UTF-8 (RFC 3629: no surrogates, no overlong forms).
[[nodiscard]] bool is_utf8(std::string_view text);

/// UTF-8 without line feed and carriage return.
[[nodiscard]] bool is_name(std::string_view text);

/// `text` between double quotes for an error message: cut to a few dozen bytes, everything but
/// printable ASCII as \xNN.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace fieldpost::wire
