#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/parquet/column_spec.h"
#include "coordinator/parquet/format.h"
#include "coordinator/parquet/statistics.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator::parquet {

/// A top-level column of a file, and how its stored values become those of its kind.
struct FileColumn {
  ColumnSpec spec;
  std::string unreadable;  ///< why it cannot be read; empty when it can
  Physical physical = Physical::kInt64;
  bool is_unsigned = false;
  std::int64_t time_scale = 1;  ///< nanoseconds of one
  std::size_t leaf = 0;         ///< its chunk in each row group, when it is readable
};

struct FileChunk {
  Physical physical = Physical::kInt64;
  Codec codec = Codec::kUncompressed;
  std::uint64_t begin = 0;  ///< of its pages in the file
  std::uint64_t size = 0;
  std::uint64_t values = 0;
  bool elsewhere = false;  ///< in another file, or encrypted
  Statistics statistics;
};

struct FileRowGroup {
  std::uint64_t rows = 0;
  std::vector<FileChunk> chunks;  ///< one for each leaf of the schema
};

struct Footer {
  std::vector<FileColumn> columns;
  std::size_t leaves = 0;
  std::vector<FileRowGroup> row_groups;
  std::vector<KeyValue> metadata;
  std::string created_by;
  std::uint64_t rows = 0;
};

/// Decodes FileMetaData. `pages_end` is where the footer begins in the file: no chunk goes beyond.
/// kCorrupt when it is damaged, kInvalid beyond kColumnsMax, kRowGroupsMax, kSchemaElementsMax.
/// The message says what is wrong, and is to be put behind what was attempted.
rt::Result<Footer> decode_footer(std::string_view bytes, std::uint64_t pages_end);

}  // namespace fieldpost::coordinator::parquet
