#pragma once

#include <cstdint>
#include <string_view>

namespace fieldpost::coordinator::parquet {

/// CRC-32 as in gzip, of a page's bytes as they stand in the file without its header.
[[nodiscard]] std::uint32_t page_checksum(std::string_view bytes);

}  // namespace fieldpost::coordinator::parquet
