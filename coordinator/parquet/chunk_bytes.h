#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "proto/rt/result.h"

namespace fieldpost::coordinator::parquet {

/// Answers so many bytes of a file from an offset on, all inside of it.
using ReadAt = std::function<rt::Result<std::string>(std::uint64_t offset, std::size_t size)>;

/// As `read_at`, but kIo when it answered fewer or more bytes than asked for.
rt::Result<std::string> read_exactly(const ReadAt& read_at, std::uint64_t offset, std::size_t size);

/// The bytes of one column chunk, fetched as they are wanted.
class ChunkBytes {
 public:
  /// `read_at` outlives this.
  ChunkBytes(const ReadAt& read_at, std::uint64_t begin, std::uint64_t size)
      : read_at_(&read_at), position_(begin), end_(begin + size) {}

  [[nodiscard]] std::uint64_t position() const { return position_; }
  [[nodiscard]] std::uint64_t left() const { return end_ - position_; }

  /// The next `size` bytes, or what is left of the chunk; valid until the next call.
  rt::Result<std::string_view> peek(std::size_t size);
  /// Over bytes that were peeked at.
  void skip(std::size_t size);

 private:
  const ReadAt* read_at_;
  std::uint64_t position_;
  std::uint64_t end_;
  std::string fetched_;
  std::size_t used_ = 0;  ///< of what is fetched
};

}  // namespace fieldpost::coordinator::parquet
