#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "coordinator/parquet/column_spec.h"
#include "coordinator/parquet/extent.h"
#include "coordinator/parquet/format.h"
#include "coordinator/parquet/page_packer.h"
#include "coordinator/parquet/runs.h"
#include "coordinator/parquet/statistics.h"
#include "coordinator/parquet/text_dictionary.h"

namespace fieldpost::coordinator::parquet {

/// A column chunk as it goes into the file. `dictionary` comes before `pages` and may be empty.
struct Chunk {
  std::string dictionary;
  std::string pages;
  std::set<Encoding> encodings;
  std::size_t rows = 0;
  std::size_t size_unpacked = 0;  ///< of both with their headers, before compression
  Statistics statistics;
};

/// Gathers the values of one column; a page is compressed when it is full, so that a chunk in the
/// making is held as compressed pages and one that is not.
class ColumnWriter {
 public:
  /// `packer` is the one of all columns and outlives this.
  ColumnWriter(ColumnSpec spec, PagePacker& packer) : spec_(std::move(spec)), packer_(&packer) {}

  [[nodiscard]] const ColumnSpec& spec() const { return spec_; }
  [[nodiscard]] std::size_t rows() const { return chunk_.rows + page_rows_; }
  [[nodiscard]] std::size_t bytes_held() const;

  /// T as the column's kind has it.
  template <typename T>
  void append(std::span<const T> values);
  void append_bool(bool value, std::size_t count);
  void append_text(std::string_view text, std::size_t count);
  void append_nulls(std::size_t count);

  /// What was appended since the last call.
  [[nodiscard]] Chunk take_chunk();

 private:
  void add_present(std::size_t count);
  void add_run(std::uint32_t value, std::size_t count);
  void append_plain_text(std::string_view text, std::size_t count);
  void end_page_when_full();
  void end_page();
  Encoding put_values(std::string& body);
  [[nodiscard]] std::optional<Bounds> bounds() const;

  ColumnSpec spec_;
  PagePacker* packer_;
  Chunk chunk_;

  // The page in the making.
  std::size_t page_rows_ = 0;
  std::size_t page_nulls_ = 0;
  Runs levels_;        ///< 1 for a value, 0 for a null
  Runs runs_;          ///< booleans, indices into the dictionary
  std::string plain_;  ///< all other values

  // The chunk's.
  TextDictionary dictionary_;
  bool dictionary_is_full_ = false;
  std::int64_t null_count_ = 0;
  std::tuple<Extent<std::int64_t>, Extent<std::uint64_t>, Extent<double>, Extent<std::uint8_t>>
      extents_;
  TextExtent texts_;
};

}  // namespace fieldpost::coordinator::parquet
