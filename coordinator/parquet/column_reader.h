#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/parquet/chunk_bytes.h"
#include "coordinator/parquet/column_batch.h"
#include "coordinator/parquet/footer.h"
#include "coordinator/parquet/page_header.h"
#include "coordinator/parquet/page_unpacker.h"
#include "coordinator/parquet/page_values.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator::parquet {

/// What the pages of all columns of a row group take together.
struct HeldBytes {
  std::size_t bytes = 0;
};

/// Reads one column chunk, a page at a time.
class ColumnReader {
 public:
  /// All but the values outlive this. `rows` are those of the row group.
  ColumnReader(const FileColumn& column, const FileChunk& chunk, std::uint64_t rows,
               const ReadAt& read_at, PageUnpacker& unpacker, HeldBytes& held)
      : column_(&column),
        codec_(chunk.codec),
        rows_left_(rows),
        bytes_(read_at, chunk.begin, chunk.size),
        unpacker_(&unpacker),
        held_(&held) {}

  /// Reads the next page when the one before was taken. kCorrupt when there is none.
  rt::Status fill();
  /// Rows that `take` can give.
  [[nodiscard]] std::size_t available() const { return values_.words.size() - taken_; }
  /// Valid until the next `fill`.
  ColumnBatch take(std::size_t rows);

 private:
  rt::Status fail(const rt::Error& why) const;
  rt::Status read_page();
  rt::Status check(const PageHeader& header) const;
  rt::Status hold(std::size_t& mine, const PageHeader& header);
  rt::Status read_body(const PageHeader& header, std::string_view packed);
  rt::Status read_dictionary(const PageHeader& header, std::string_view packed);
  rt::Status read_data(const PageHeader& header, std::string_view packed);
  rt::Status read_data_v2(const PageHeader& header, std::string_view packed);
  rt::Status read_rows(const PageHeader& header, std::string_view levels, std::string_view values);
  rt::Status read_present(std::string_view levels, std::size_t count);
  void spread();

  const FileColumn* column_;
  Codec codec_;
  std::uint64_t rows_left_;
  ChunkBytes bytes_;
  std::uint64_t page_begin_ = 0;
  PageUnpacker* unpacker_;
  HeldBytes* held_;

  bool has_dictionary_ = false;
  std::string dictionary_body_;
  PageValues dictionary_;
  std::size_t dictionary_held_ = 0;

  std::string body_;
  PageValues values_;
  std::vector<std::uint8_t> present_;
  std::size_t nulls_ = 0;
  bool uses_dictionary_ = false;
  std::size_t taken_ = 0;
  std::size_t page_held_ = 0;
};

}  // namespace fieldpost::coordinator::parquet
