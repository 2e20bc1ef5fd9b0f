#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace fieldpost::coordinator::parquet {

/// Some rows of one column, one entry a row.
struct ColumnBatch {
  /// The bits of an i64, u64, time or double; 0 or 1; of a text its index in `texts`; 0 of a null.
  std::span<const std::uint64_t> words;
  std::span<const std::uint8_t> present;  ///< 0 where null; empty: no null among them
  std::span<const std::string_view> texts;
};

}  // namespace fieldpost::coordinator::parquet
