#include "proto/wire/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>

namespace fieldpost::wire {
namespace {

constexpr std::size_t kQuotedBytesMax = 48;

constexpr bool is_escaped(char c) {
  return c == ',' || c == ' ' || c == '=' || c == '\\';
}

struct Utf8Form {
  std::size_t more = 0;            ///< bytes that follow
  std::uint8_t second_low = 0x80;  ///< narrowed where overlong forms and surrogates begin
  std::uint8_t second_high = 0xbf;
};

/// more == 0: not a lead byte.
Utf8Form form_of(std::uint8_t lead) {
  if (lead >= 0xc2 && lead <= 0xdf) return {1, 0x80, 0xbf};
  if (lead == 0xe0) return {2, 0xa0, 0xbf};
  if (lead == 0xed) return {2, 0x80, 0x9f};
  if (lead >= 0xe1 && lead <= 0xef) return {2, 0x80, 0xbf};
  if (lead == 0xf0) return {3, 0x90, 0xbf};
  if (lead >= 0xf1 && lead <= 0xf3) return {3, 0x80, 0xbf};
  if (lead == 0xf4) return {3, 0x80, 0x8f};
  return {};
}

bool takes_form(std::string_view after_lead, const Utf8Form& form) {
  if (form.more == 0 || after_lead.size() < form.more) return false;
  const auto second = static_cast<std::uint8_t>(after_lead[0]);
  if (second < form.second_low || second > form.second_high) return false;
  for (std::size_t i = 1; i < form.more; ++i) {
    if ((static_cast<std::uint8_t>(after_lead[i]) & 0xc0) != 0x80) return false;
  }
  return true;
}

std::size_t ascii_prefix(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::size_t at = 0;
  for (std::uint64_t word = 0; at + 8 <= text.size(); at += 8) {
    std::memcpy(&word, text.data() + at, 8);
    if ((word & kHighBits) != 0) break;
  }
  while (at < text.size() && static_cast<std::uint8_t>(text[at]) < 0x80) ++at;
  return at;
}

}  // namespace

void append_escaped(std::string& out, std::string_view name) {
  while (!name.empty()) {
    const auto end = std::ranges::find_if(name, is_escaped);
    out.append(name.begin(), end);
    if (end == name.end()) return;
    out += '\\';
    out += *end;
    name = {end + 1, name.end()};
  }
}

std::size_t escaped_bytes(std::string_view name) {
  return name.size() + static_cast<std::size_t>(std::ranges::count_if(name, is_escaped));
}

std::string take_name(std::string_view& text, std::string_view stops) {
  std::string name;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size() && is_escaped(text[at + 1])) {
      ++at;
    } else if (std::ranges::find(stops, text[at]) != stops.end()) {
      break;
    }
    name += text[at];
  }
  text.remove_prefix(at);
  return name;
}

bool is_utf8(std::string_view text) {
  for (text.remove_prefix(ascii_prefix(text)); !text.empty();
       text.remove_prefix(ascii_prefix(text))) {
    const Utf8Form form = form_of(static_cast<std::uint8_t>(text[0]));
    if (!takes_form(text.substr(1), form)) return false;
    text.remove_prefix(1 + form.more);
  }
  return true;
}

bool is_name(std::string_view text) {
  // Nearly all are printable ASCII, and short.
  text.remove_prefix(static_cast<std::size_t>(
      std::ranges::find_if(text, [](char c) { return c < ' ' || c > '~'; }) - text.begin()));
  return text.find('\n') == std::string_view::npos && text.find('\r') == std::string_view::npos &&
         is_utf8(text);
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, kQuotedBytesMax)) {
    if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<std::uint8_t>(c));
    }
  }
  return out + (text.size() > kQuotedBytesMax ? "...\"" : "\"");
}

}  // namespace fieldpost::wire
