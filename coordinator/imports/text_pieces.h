#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/rt/files.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

/// Whole lines of a file, some at a time.
class TextPieces {
 public:
  static constexpr std::size_t kPieceBytes = 256 * 1024;
  static constexpr std::size_t kLineBytesMax = 4 << 20;

  /// Where the last whole line of a text ends, which begins with a line; 0: it has none.
  using FindEnd = std::size_t (*)(std::string_view text);

  TextPieces(rt::Files& files, std::string path, std::uint64_t offset,
             FindEnd find_end = last_line_end)
      : files_(files), path_(std::move(path)), offset_(offset), find_end_(find_end) {}

  /// The next lines with their ends, of which the last one may have none; empty at the end of the
  /// file; valid until the next call. kInvalid: a line is longer than kLineBytesMax.
  rt::Result<std::string_view> next();
  /// Bytes that were given.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  /// Of the file, 0 to 1.
  [[nodiscard]] double part() const;
  [[nodiscard]] static std::size_t last_line_end(std::string_view text);

 private:
  rt::Files& files_;
  std::string path_;
  std::uint64_t offset_;
  FindEnd find_end_;
  std::string held_;       ///< from `offset_ - given_` on
  std::size_t given_ = 0;  ///< of `held_`
};

}  // namespace fieldpost::coordinator
