#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "coordinator/parquet/column_batch.h"
#include "coordinator/parquet/column_spec.h"
#include "coordinator/parquet/statistics.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator::parquet {

/// A top-level column of a file.
struct Column {
  ColumnSpec spec;         ///< a time without a zone counts as UTC
  std::string unreadable;  ///< why it cannot be read; empty when it can
};

/// The same rows of some columns, in the order that was asked for.
struct Rows {
  std::size_t count = 0;  ///< 0: the row group is at its end
  std::span<const ColumnBatch> columns;
};

class RowGroupReader;

/// Reads a Parquet file of any writer, as far as its columns are flat: INT32, INT64, FLOAT, DOUBLE,
/// BOOLEAN and BYTE_ARRAY as text; both versions of data pages; zstd, Snappy, gzip or no
/// compression. Believes nothing that the file says; memory is bounded by the constants of
/// limits.h, most of it by kHeldBytesMax for a row group. One thread at a time.
class Reader {
 public:
  /// Answers `size` bytes from `offset` on, all inside of the file. Its failures come back as such.
  using ReadAt = std::function<rt::Result<std::string>(std::uint64_t offset, std::size_t size)>;

  /// Reads the footer. kInvalid when it is no Parquet file, is encrypted, or has more of something
  /// than limits.h allows; kCorrupt when it is damaged.
  static rt::Result<Reader> open(std::uint64_t file_size, ReadAt read_at);
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  [[nodiscard]] std::span<const Column> columns() const;
  [[nodiscard]] std::span<const KeyValue> metadata() const;
  [[nodiscard]] const std::string& created_by() const;
  [[nodiscard]] std::uint64_t rows() const;
  [[nodiscard]] std::size_t row_groups() const;
  /// What the file says of a readable column, as it is stored: not what this reader found.
  [[nodiscard]] const Statistics& statistics(std::size_t row_group, std::size_t column) const;

  /// Reads some columns of a row group, from its begin. kInvalid, naming the column, when one is
  /// unreadable. One row group at a time is within the bound of memory; this outlives it.
  rt::Result<RowGroupReader> read_row_group(std::size_t row_group,
                                            std::span<const std::size_t> columns);

 private:
  class State;
  explicit Reader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class RowGroupReader {
 public:
  RowGroupReader(RowGroupReader&&) noexcept;
  RowGroupReader& operator=(RowGroupReader&&) noexcept;
  ~RowGroupReader();

  /// The next rows, `rows_max` at most, fewer where a page ends; valid until the next call.
  /// kCorrupt when the file is damaged, kInvalid for what is not supported, kFull when the
  /// pages of all columns are larger than kHeldBytesMax: read fewer of them at a time. The message
  /// says where. After a failure each further call fails.
  rt::Result<Rows> next(std::size_t rows_max);

 private:
  friend class Reader;
  class State;
  explicit RowGroupReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace fieldpost::coordinator::parquet
