// A delta is the magic, then commands: a byte that says which, numbers in big-endian order, and for
// a literal its bytes. 0 is the end; 0x01 to 0x40 a literal of so many bytes; 0x41 to 0x44 a
// literal with its size in 1, 2, 4 or 8 bytes; 0x45 to 0x54 a copy, four of them for each width of
// the offset, by the width of the size.
#include "proto/delta/delta_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fieldpost::delta {

using rt::Errc;
using rt::Error;
using rt::Result;

namespace {

constexpr std::string_view kMagic =
    "rs\x02"
    "6";
constexpr std::uint8_t kEnd = 0;
constexpr std::uint8_t kShortLiteralMax = 0x40;
constexpr std::uint8_t kLiteral = 0x41;
constexpr std::uint8_t kCopy = 0x45;
constexpr std::uint8_t kCopyLast = 0x54;
constexpr std::array<std::size_t, 4> kWidths = {1, 2, 4, 8};
constexpr std::uint64_t kNumberMax = std::uint64_t{1} << 62;
/// Bytes that were read are dropped when they are so many.
constexpr std::size_t kTakenMax = 64 * 1024;

std::uint64_t number(std::string_view bytes) {
  std::uint64_t out = 0;
  for (const char each : bytes) out = out << 8 | static_cast<std::uint8_t>(each);
  return out;
}

/// Index into kWidths of the narrowest that holds it.
std::uint8_t width_of(std::uint64_t value) {
  if (value <= 0xff) return 0;
  if (value <= 0xffff) return 1;
  return value <= 0xffff'ffff ? 2 : 3;
}

void append_number(std::string& out, std::uint64_t value, std::uint8_t width) {
  for (std::size_t left = kWidths.at(width); left > 0; --left) {
    out += static_cast<char>((value >> (8 * (left - 1))) & 0xff);
  }
}

Error refuse(std::string_view why) {
  return {Errc::kInvalid, fmt::format("reading a delta: {}", why)};
}

}  // namespace

void CommandReader::add(std::string_view bytes) {
  if (taken_ > kTakenMax || taken_ == bytes_.size()) {
    bytes_.erase(0, taken_);
    taken_ = 0;
  }
  bytes_ += bytes;
}

Result<std::optional<DeltaCommand>> CommandReader::next() {
  if (!is_begun_) {
    if (rest().size() < kMagic.size()) return std::optional<DeltaCommand>{};
    if (!rest().starts_with(kMagic)) return refuse("its commands do not begin as librsync's do");
    taken_ += kMagic.size();
    is_begun_ = true;
  }
  if (literal_left_ > 0) return literal();
  return command();
}

std::optional<DeltaCommand> CommandReader::literal() {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(literal_left_, waiting()));
  if (size == 0) return std::nullopt;
  const DeltaCommand out{.kind = DeltaCommand::Kind::kLiteral, .literal = rest().substr(0, size)};
  taken_ += size;
  literal_left_ -= size;
  return out;
}

Result<std::optional<DeltaCommand>> CommandReader::command() {
  const std::string_view bytes = rest();
  if (bytes.empty()) return std::optional<DeltaCommand>{};
  const auto code = static_cast<std::uint8_t>(bytes[0]);
  if (code > kCopyLast) return refuse(fmt::format("command {:#04x} is not known", code));
  if (code == kEnd) {
    taken_ += 1;
    return std::optional(DeltaCommand{});
  }
  if (code <= kShortLiteralMax) {
    taken_ += 1;
    literal_left_ = code;
    return literal();
  }
  const bool is_copy = code >= kCopy;
  const std::size_t first = kWidths.at((is_copy ? (code - kCopy) / 4U : code - kLiteral));
  const std::size_t second = is_copy ? kWidths.at((code - kCopy) % 4U) : 0;
  if (bytes.size() < 1 + first + second) return std::optional<DeltaCommand>{};
  const std::uint64_t one = number(bytes.substr(1, first));
  const std::uint64_t size = is_copy ? number(bytes.substr(1 + first, second)) : one;
  if (size == 0 || size > kNumberMax || one > kNumberMax) {
    return refuse(fmt::format("command {:#04x} with the numbers {} and {}", code, one, size));
  }
  taken_ += 1 + first + second;
  if (is_copy) {
    return std::optional(
        DeltaCommand{.kind = DeltaCommand::Kind::kCopy, .offset = one, .size = size});
  }
  literal_left_ = size;
  return literal();
}

CommandWriter::CommandWriter(std::string& out) : out_(out) {
  out_ += kMagic;
}

void CommandWriter::literal(std::string_view bytes) {
  if (bytes.empty()) return;
  if (bytes.size() <= kShortLiteralMax) {
    out_ += static_cast<char>(bytes.size());
  } else {
    const std::uint8_t width = width_of(bytes.size());
    out_ += static_cast<char>(kLiteral + width);
    append_number(out_, bytes.size(), width);
  }
  out_ += bytes;
}

void CommandWriter::copy(std::uint64_t offset, std::uint64_t size) {
  if (size == 0) return;
  const std::uint8_t first = width_of(offset);
  const std::uint8_t second = width_of(size);
  out_ += static_cast<char>(kCopy + 4 * first + second);
  append_number(out_, offset, first);
  append_number(out_, size, second);
}

void CommandWriter::end() {
  out_ += static_cast<char>(kEnd);
}

}  // namespace fieldpost::delta
