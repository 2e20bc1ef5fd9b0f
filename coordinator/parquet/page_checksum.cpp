#include "coordinator/parquet/page_checksum.h"

#include <zlib.h>

namespace fieldpost::coordinator::parquet {

std::uint32_t page_checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

}  // namespace fieldpost::coordinator::parquet
