#include "proto/mapping/protobuf.h"

namespace fieldpost::mapping {
namespace {

constexpr std::uint32_t kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>((value & 0x7fU) | 0x80U);
  out += static_cast<char>(value);
}

}  // namespace

std::optional<std::uint64_t> ProtobufReader::read_varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 70 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    if (shift == 63 && byte > 1) return std::nullopt;
    if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> ProtobufReader::read_fixed(std::size_t bytes) {
  if (rest_.size() < bytes) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) {
    value = value << 8U | static_cast<std::uint8_t>(rest_[i]);
  }
  rest_.remove_prefix(bytes);
  return value;
}

bool ProtobufReader::read_bytes(std::string_view& out) {
  const auto size = read_varint();
  if (!size || *size > rest_.size()) return false;
  out = rest_.substr(0, static_cast<std::size_t>(*size));
  rest_.remove_prefix(out.size());
  return true;
}

std::optional<ProtobufField> ProtobufReader::next() {
  if (broken_ || rest_.empty()) return std::nullopt;
  broken_ = true;  // until the field proves whole
  const auto tag = read_varint();
  if (!tag || *tag >> 3U == 0 || *tag >> 32U != 0) return std::nullopt;
  ProtobufField field{.number = static_cast<std::uint32_t>(*tag >> 3U), .value = 0, .bytes = {}};
  std::optional<std::uint64_t> value = 0;
  switch (*tag & 7U) {
    case kVarint: value = read_varint(); break;
    case kFixed64: value = read_fixed(8); break;
    case kFixed32: value = read_fixed(4); break;
    case kBytes:
      if (!read_bytes(field.bytes)) return std::nullopt;
      break;
    default: return std::nullopt;  // groups are not used by anybody since 2008
  }
  if (!value) return std::nullopt;
  field.value = *value;
  broken_ = false;
  return field;
}

void append_protobuf_varint(std::string& out, std::uint32_t number, std::uint64_t value) {
  append_varint(out, number << 3U | kVarint);
  append_varint(out, value);
}

void append_protobuf_bytes(std::string& out, std::uint32_t number, std::string_view bytes) {
  append_varint(out, number << 3U | kBytes);
  append_varint(out, bytes.size());
  out += bytes;
}

}  // namespace fieldpost::mapping
