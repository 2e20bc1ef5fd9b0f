#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "coordinator/parquet/format.h"

namespace fieldpost::coordinator::parquet {

/// PageHeader, with those of each type made one.
struct PageHeader {
  PageType type = PageType::kData;
  std::size_t header_size = 0;
  std::size_t raw_size = 0;     ///< of the body after decompression, with levels
  std::size_t packed_size = 0;  ///< of the body in the file
  std::optional<std::uint32_t> checksum;
  std::size_t values = 0;  ///< with nulls
  Encoding encoding = Encoding::kPlain;
  Encoding level_encoding = Encoding::kRle;
  // Of a data page of version 2.
  std::size_t rows = 0;
  std::size_t nulls = 0;
  std::size_t definition_size = 0;
  std::size_t repetition_size = 0;
  bool is_packed = true;
};

/// The header at the front of `bytes`; nothing when it is damaged or longer than they are, lacks
/// the part that its type needs, or has a number below zero.
[[nodiscard]] std::optional<PageHeader> read_page_header(std::string_view bytes);

}  // namespace fieldpost::coordinator::parquet
