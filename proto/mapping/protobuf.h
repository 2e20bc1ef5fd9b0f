#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The wire format of Protocol Buffers (protobuf.dev, "Encoding"), as far as Sparkplug needs it.
namespace fieldpost::mapping {

struct ProtobufField {
  std::uint32_t number = 0;
  std::uint64_t value = 0;  ///< varint, fixed32 or fixed64
  std::string_view bytes;   ///< length-delimited; lives as long as the message
};

class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view message) : rest_(message) {}
  /// The next field; empty at the end, and when the bytes are broken: then `broken` is true.
  std::optional<ProtobufField> next();
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  std::optional<std::uint64_t> read_varint();
  std::optional<std::uint64_t> read_fixed(std::size_t bytes);
  bool read_bytes(std::string_view& out);
  std::string_view rest_;
  bool broken_ = false;
};

void append_protobuf_varint(std::string& out, std::uint32_t number, std::uint64_t value);
void append_protobuf_bytes(std::string& out, std::uint32_t number, std::string_view bytes);

}  // namespace fieldpost::mapping
