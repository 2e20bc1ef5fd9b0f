#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/parquet/column_spec.h"
#include "coordinator/parquet/column_writer.h"

namespace fieldpost::coordinator::parquet {

/// Gathers what the footer says; row groups are held encoded.
class FooterWriter {
 public:
  FooterWriter(std::vector<ColumnSpec> columns, std::vector<SortKey> sorted_by);

  /// The chunks lie in the file one behind the other from `position` on: dictionary, then pages.
  void add_row_group(std::uint64_t position, std::span<const Chunk> chunks);
  [[nodiscard]] std::size_t row_groups() const { return row_groups_; }
  [[nodiscard]] std::size_t size() const { return groups_.size(); }
  /// FileMetaData.
  [[nodiscard]] std::string encode(std::string_view created_by,
                                   std::span<const KeyValue> metadata) const;

 private:
  std::vector<ColumnSpec> columns_;
  std::vector<SortKey> sorted_by_;
  std::string groups_;
  std::size_t row_groups_ = 0;
  std::int64_t rows_ = 0;
};

}  // namespace fieldpost::coordinator::parquet
