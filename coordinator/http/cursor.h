#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Opaque places in a list, handed out as `next_cursor`. Text that a client may keep as long as it
/// likes: it names keys, not positions.
namespace fieldpost::coordinator {

[[nodiscard]] std::string make_cursor(char kind, std::string_view place);
/// The place; nullopt unless `cursor` was made with this kind.
[[nodiscard]] std::optional<std::string> read_cursor(char kind, std::string_view cursor);

[[nodiscard]] std::string make_number_cursor(char kind, std::initializer_list<std::int64_t> place);
/// Exactly `count` numbers.
[[nodiscard]] std::optional<std::vector<std::int64_t>> read_number_cursor(char kind,
                                                                          std::string_view cursor,
                                                                          std::size_t count);

}  // namespace fieldpost::coordinator
