#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Thrift's compact protocol, as thrift-compact-protocol.md of apache/thrift defines it.
namespace fieldpost::coordinator::parquet {

enum class ThriftType : std::uint8_t {
  kStop = 0,
  kTrue = 1,
  kFalse = 2,
  kI8 = 3,
  kI16 = 4,
  kI32 = 5,
  kI64 = 6,
  kDouble = 7,
  kBinary = 8,
  kList = 9,
  kSet = 10,
  kMap = 11,
  kStruct = 12,
};

/// Appends one struct to a string: fields in ascending order of their ids, then `end`.
class ThriftWriter {
 public:
  explicit ThriftWriter(std::string& out) : out_(&out) {}

  void boolean(int id, bool value);
  void i8(int id, std::int8_t value);
  void i16(int id, std::int16_t value);
  void i32(int id, std::int32_t value);
  void i64(int id, std::int64_t value);
  void binary(int id, std::string_view value);
  void begin_struct(int id);
  /// `count` elements follow: of kStruct each between `begin_element` and `end`, or by `element`.
  void begin_list(int id, ThriftType of, std::size_t count);
  void begin_element() { last_ids_.push_back(0); }
  void element(std::int32_t value);
  void element(std::string_view value);
  /// Structs that were encoded elsewhere, each with its end.
  void encoded_elements(std::string_view bytes) { out_->append(bytes); }
  /// Of the innermost struct, or of the whole.
  void end();
  void empty_struct(int id) {
    begin_struct(id);
    end();
  }

 private:
  void field(int id, ThriftType type);

  std::string* out_;
  std::vector<int> last_ids_{0};  ///< of each open struct
};

}  // namespace fieldpost::coordinator::parquet
