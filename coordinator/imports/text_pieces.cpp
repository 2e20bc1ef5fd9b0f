#include "coordinator/imports/text_pieces.h"

#include <fmt/format.h>

#include <algorithm>

namespace fieldpost::coordinator {

rt::Result<std::string_view> TextPieces::next() {
  held_.erase(0, given_);
  given_ = 0;
  for (;;) {
    const auto read = files_.read(path_, offset_ + held_.size(), kPieceBytes);
    if (!read) return read.error();
    held_ += *read;
    const bool is_end = read->empty();
    given_ = is_end ? held_.size() : find_end_(held_);
    if (given_ > 0 || is_end) break;
    if (held_.size() > kLineBytesMax) {
      return rt::Error{
          rt::Errc::kInvalid,
          fmt::format("a line of more than {} bytes begins at byte {}", kLineBytesMax, offset_)};
    }
  }
  offset_ += given_;
  return std::string_view(held_).substr(0, given_);
}

std::size_t TextPieces::last_line_end(std::string_view text) {
  return text.rfind('\n') + 1;  // npos + 1 is 0
}

double TextPieces::part() const {
  const auto info = files_.info(path_);
  if (!info || info->size == 0) return 1;
  return std::min(1.0, static_cast<double>(offset_) / static_cast<double>(info->size));
}

}  // namespace fieldpost::coordinator
