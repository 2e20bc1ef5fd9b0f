#include "agent/spool/body_place.h"

#include <fmt/format.h>

#include <charconv>

#include "proto/wire/limits.h"

namespace fieldpost::agent {

namespace {

constexpr std::size_t kHashDigits = 64;

/// Takes a space and a number off the front.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  if (!text.starts_with(' ')) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + 1, end, number);
  if (read.ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  return number;
}

}  // namespace

std::string encode(const BodyPlace& place) {
  return fmt::format("{} {} {}", place.hash.hex(), place.size, place.offset);
}

std::optional<BodyPlace> decode_body_place(std::string_view text) {
  const auto hash = wire::Sha256Digest::from_hex(text.substr(0, kHashDigits));
  if (!hash) return std::nullopt;
  text.remove_prefix(kHashDigits);
  const auto size = take_number(text), offset = take_number(text);
  if (!size || !offset || !text.empty()) return std::nullopt;
  // Only between two fragments does one stand.
  const bool is_place = *size <= wire::kBodyBytesMax && *offset > 0 && *offset < *size &&
                        *offset % wire::kFragmentBytes == 0;
  if (!is_place) return std::nullopt;
  return BodyPlace{*hash, *size, *offset};
}

}  // namespace fieldpost::agent
