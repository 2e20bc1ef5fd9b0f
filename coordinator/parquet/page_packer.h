#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "coordinator/parquet/format.h"
#include "proto/wire/zstd_frames.h"

namespace fieldpost::coordinator::parquet {

/// Makes pages: a header, then the body as a zstd frame, with its CRC-32 in the header. Data pages
/// are of version 1, the one that every reader has.
class PagePacker {
 public:
  explicit PagePacker(int zstd_level) : zstd_(zstd_level) {}

  /// Appends a page of `count` values, nulls among them, to `out`. Answers the size of the page
  /// before compression.
  std::size_t put_data(std::string& out, std::size_t count, Encoding encoding,
                       std::string_view body);
  /// The same for the dictionary, PLAIN.
  std::size_t put_dictionary(std::string& out, std::size_t count, std::string_view body);

 private:
  template <typename Describe>
  std::size_t put(std::string& out, PageType type, std::string_view body, Describe describe);

  wire::ZstdPacker zstd_;
  std::string packed_;
};

}  // namespace fieldpost::coordinator::parquet
