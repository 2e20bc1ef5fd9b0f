#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/result.h"
#include "proto/wire/readings.h"

/// The payload of a readings record, and of a chunk in the store: columns per series, times as
/// delta-of-delta, floats as decimal-scaled integers where that is bit-exact and as XOR otherwise,
/// zig-zag varints, strings by dictionary. The format stands in proto/README.md, [codec-*].
namespace fieldpost::wire {

/// Where each reading of a column was first accepted, for readings that changed records (thinned,
/// merged). Runs cover the column from its start; empty: all from the record itself.
struct OriginRun {
  std::uint32_t origin = 0;  ///< index into Columns::origins
  std::uint32_t count = 0;
  bool operator==(const OriginRun&) const = default;
};

struct Columns {
  std::vector<Column> columns;  ///< one for each series of the set; may be empty
  std::vector<Name> origins;    ///< empty unless readings changed records
  std::vector<std::vector<OriginRun>>
      origin_runs;  ///< one for each column when origins is not empty
  bool operator==(const Columns&) const = default;
  [[nodiscard]] std::size_t readings() const;
};

/// Bytes before compression. Never fails; columns of one set, in its order. NaN bits, infinities,
/// -0.0 and every 64-bit pattern survive. Thread-safe.
[[nodiscard]] std::string encode_columns(const Columns& columns, std::span<const ValueType> types);

/// kCorrupt when the bytes are not what encode_columns makes: wrong length, counts over
/// kRecordReadingsMax, a value index out of range, anything left over. Allocates no more than the
/// declared and checked counts need.
rt::Result<Columns> decode_columns(std::string_view bytes, std::span<const ValueType> types);

/// Whether readings of other records are among those of this payload, as far as its first bytes
/// say: whoever lacks the types cannot ask for more. Nothing else of it is checked.
[[nodiscard]] bool says_origins(std::string_view bytes);

struct Compressed {
  std::uint8_t codec = 0;  ///< 0 plain, 1 zstd; plain when zstd would not make it smaller
  std::string bytes;
};
[[nodiscard]] Compressed compress(std::string_view raw, int zstd_level);

/// kCorrupt when damaged, when the size is not `raw_size`, or above kRawPayloadBytesMax.
rt::Result<std::string> decompress(std::string_view bytes, std::uint8_t codec,
                                   std::size_t raw_size);

}  // namespace fieldpost::wire
