#include "firmware-bridge/protocols/line_format.h"

#include <algorithm>

#include "proto/wire/names.h"

namespace fieldpost::bridge {

bool is_plain_text(std::string_view line) {
  constexpr char kDelete = 0x7f;
  const auto is_control = [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == kDelete; };
  return std::ranges::none_of(line, is_control) && wire::is_utf8(line);
}

}  // namespace fieldpost::bridge
