#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/parquet/column_spec.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator::parquet {

inline constexpr int kZstdLevel = 1;

struct WriterOptions {
  std::string created_by;          ///< "program version X"
  std::vector<SortKey> sorted_by;  ///< how the caller sorts the rows of each row group
  int zstd_level = kZstdLevel;
};

/// Writes one Parquet file of flat columns, row group by row group. The same calls give the same
/// bytes. Holds the row group in the making, compressed but for a page (1 MiB) of each column.
/// One thread at a time.
///
/// Columns are filled independently, in pieces of any size, and must have as many rows as each
/// other when the row group ends. Kind, nullability and kGroupRowsMax are the caller's to keep.
class Writer {
 public:
  /// Takes the next bytes of the file. What it fails with comes back from the call that wrote.
  using Sink = std::function<rt::Status(std::string_view)>;

  /// kInvalid for no or too many columns, and for names that are empty, longer than kNameBytesMax,
  /// not UTF-8 or there twice. Nothing is written yet.
  static rt::Result<Writer> create(std::vector<ColumnSpec> columns, WriterOptions options,
                                   Sink sink);
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  ~Writer();

  void append_i64(std::size_t column, std::span<const std::int64_t> values);  ///< or kTime
  void append_u64(std::size_t column, std::span<const std::uint64_t> values);
  void append_f64(std::size_t column, std::span<const double> values);
  void append_bool(std::size_t column, bool value, std::size_t count = 1);
  /// The same text `count` times; with a dictionary that costs a few bytes, whatever the count.
  /// The text is UTF-8 of at most kTextBytesMax; it is not looked at.
  void append_text(std::size_t column, std::string_view text, std::size_t count = 1);
  void append_nulls(std::size_t column, std::size_t count);

  /// Rows of `column` in this row group.
  [[nodiscard]] std::size_t rows(std::size_t column) const;
  /// About what the row group in the making takes in memory: end it when that is too much.
  [[nodiscard]] std::size_t bytes_held() const;

  /// Writes what was appended; nothing when there was nothing. kFull at kRowGroupsMax or about
  /// kFooterBytesMax. After a failure the file is broken, and each further call fails like the
  /// first.
  rt::Status end_row_group();
  /// Ends the row group and writes the footer. Nothing may be appended after that.
  rt::Status finish(std::span<const KeyValue> metadata = {});

 private:
  class State;
  explicit Writer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace fieldpost::coordinator::parquet
