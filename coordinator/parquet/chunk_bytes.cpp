#include "coordinator/parquet/chunk_bytes.h"

#include <algorithm>
#include <utility>

#include "coordinator/parquet/limits.h"

namespace fieldpost::coordinator::parquet {

rt::Result<std::string> read_exactly(const ReadAt& read_at, std::uint64_t offset,
                                     std::size_t size) {
  auto bytes = read_at(offset, size);
  if (bytes && bytes->size() != size) {
    return rt::Error{rt::Errc::kIo, "reading a Parquet file: it was cut short meanwhile"};
  }
  return bytes;
}

rt::Result<std::string_view> ChunkBytes::peek(std::size_t size) {
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, left()));
  if (fetched_.size() - used_ < size) {
    const auto ask = std::min<std::uint64_t>(std::max(size, kFetchBytes), left());
    auto fetched = read_exactly(*read_at_, position_, static_cast<std::size_t>(ask));
    if (!fetched) return fetched.error();
    fetched_ = *std::move(fetched);
    used_ = 0;
  }
  return std::string_view(fetched_).substr(used_, size);
}

void ChunkBytes::skip(std::size_t size) {
  FP_CHECK(size <= fetched_.size() - used_);
  used_ += size;
  position_ += size;
}

}  // namespace fieldpost::coordinator::parquet
