#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace fieldpost::coordinator::parquet {

enum class Kind : std::uint8_t {
  kI64,
  kU64,
  kTime,  ///< nanoseconds since 1970 UTC, signed
  kF64,
  kBool,
  kText,  ///< UTF-8
};

struct ColumnSpec {
  std::string name;
  Kind kind = Kind::kI64;
  bool nullable = false;
  /// kText, when writing: each distinct text once in a row group, values as runs of its index. When
  /// there are too many of them, the rest of the row group is written as if this were false.
  bool dictionary = false;
  bool operator==(const ColumnSpec&) const = default;
};

/// By which column the rows of each row group are sorted.
struct SortKey {
  std::size_t column = 0;
  bool descending = false;
  bool nulls_first = false;
};

/// An entry of the footer's key-value metadata.
struct KeyValue {
  std::string key;
  std::string value;
  bool operator==(const KeyValue&) const = default;
};

}  // namespace fieldpost::coordinator::parquet
