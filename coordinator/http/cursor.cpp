#include "coordinator/http/cursor.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>

namespace fieldpost::coordinator {

std::string make_cursor(char kind, std::string_view place) {
  std::string cursor(1, kind);
  for (const char c : place) {
    fmt::format_to(std::back_inserter(cursor), "{:02x}", static_cast<unsigned char>(c));
  }
  return cursor;
}

std::optional<std::string> read_cursor(char kind, std::string_view cursor) {
  if (cursor.size() % 2 == 0 || cursor.front() != kind) return std::nullopt;
  std::string place;
  for (std::size_t i = 1; i < cursor.size(); i += 2) {
    unsigned char byte = 0;
    const char* const end = cursor.data() + i + 2;
    const auto [stop, failed] = std::from_chars(cursor.data() + i, end, byte, 16);
    if (failed != std::errc{} || stop != end) return std::nullopt;
    place += static_cast<char>(byte);
  }
  return place;
}

std::string make_number_cursor(char kind, std::initializer_list<std::int64_t> place) {
  return make_cursor(kind, fmt::format("{}", fmt::join(place, " ")));
}

std::optional<std::vector<std::int64_t>> read_number_cursor(char kind, std::string_view cursor,
                                                            std::size_t count) {
  const auto place = read_cursor(kind, cursor);
  if (!place) return std::nullopt;
  std::vector<std::int64_t> numbers;
  const char* at = place->data();
  const char* const end = at + place->size();
  while (true) {
    const auto [stop, failed] = std::from_chars(at, end, numbers.emplace_back());
    if (failed != std::errc{}) return std::nullopt;
    if (stop == end) break;
    if (*stop != ' ') return std::nullopt;
    at = stop + 1;
  }
  if (numbers.size() != count) return std::nullopt;
  return numbers;
}

}  // namespace fieldpost::coordinator
