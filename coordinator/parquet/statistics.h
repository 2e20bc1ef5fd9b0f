#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace fieldpost::coordinator::parquet {

/// The smallest and the largest value as PLAIN bytes, a text without its length.
struct Bounds {
  std::string least;
  std::string most;
  bool operator==(const Bounds&) const = default;
};

/// What a column chunk says about its values, by the rules of parquet.thrift (ColumnOrder
/// TYPE_ORDER).
struct Statistics {
  std::optional<std::int64_t> null_count;
  std::optional<Bounds> bounds;
};

}  // namespace fieldpost::coordinator::parquet
