#pragma once

#include <cstdint>
#include <string_view>

#include "coordinator/parquet/thrift_writer.h"
#include "proto/wire/codec_bytes.h"

namespace fieldpost::coordinator::parquet {

/// Reads structs of Thrift's compact protocol until something is wrong; from then on everything is
/// zero or empty and `ok()` is false. Views live as long as the bytes.
class ThriftReader {
 public:
  struct Field {
    int id = 0;
    ThriftType type = ThriftType::kStop;
  };

  explicit ThriftReader(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool ok() const { return bytes_.ok(); }
  [[nodiscard]] std::size_t rest() const { return bytes_.rest().size(); }
  void fail() { bytes_.fail(); }

  /// Calls `take(field)` for each field, which reads or skips its value.
  template <typename Take>
  void read_struct(Take take) {
    int last = 0;
    while (true) {
      const Field field = next_field(last);
      if (field.type == ThriftType::kStop) return;
      last = field.id;
      take(field);
    }
  }
  /// The value of a field that is a struct.
  template <typename Take>
  void read_struct(Field field, Take take) {
    if (expect(field, ThriftType::kStruct)) read_struct(take);
  }
  /// Calls `take(element)` for each element of a list, as if it were a field.
  template <typename Take>
  void read_list(Field field, Take take) {
    if (!expect(field, ThriftType::kList)) return;
    const List list = list_head();
    for (std::size_t i = 0; i < list.count && ok(); ++i) take(Field{0, list.of});
  }

  std::int8_t i8(Field field);
  std::int32_t i32(Field field);
  std::int64_t i64(Field field);
  bool boolean(Field field);
  std::string_view binary(Field field);
  void skip(Field field);

 private:
  struct List {
    ThriftType of = ThriftType::kStop;
    std::size_t count = 0;
  };

  Field next_field(int last);
  List list_head();
  bool expect(Field field, ThriftType type);
  std::int64_t zigzag();
  void skip_map();

  wire::codec::ByteReader bytes_;
  int depth_ = 0;  ///< of what is being skipped
};

}  // namespace fieldpost::coordinator::parquet
