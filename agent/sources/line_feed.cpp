#include "agent/sources/line_feed.h"

#include <utility>

namespace fieldpost::agent {

LineFeed::Output LineFeed::take(std::string bytes, const wire::LineOptions& options) {
  if (text_.empty()) {
    text_ = std::move(bytes);
  } else {
    text_ += bytes;
  }
  Output out;
  std::size_t at = 0;
  while (cut_piece(at, options, out)) {
    if (out.pieces.size() == kPiecesMax) {
      out.more = true;
      break;
    }
  }
  text_.erase(0, at);
  out.bytes_kept = text_.size();
  return out;
}

/// Parses the next piece from `at` on. false: there is no other one in what is here.
bool LineFeed::cut_piece(std::size_t& at, const wire::LineOptions& options, Output& out) {
  const std::size_t begin = at;
  std::size_t lines = 0;
  while (at - begin < piece_bytes_max_) {
    const std::size_t feed = text_.find('\n', at);
    const std::size_t size = (feed == std::string::npos ? text_.size() : feed) - at;
    if (size > kLineBytesMax) out.long_line = lines_before_ + lines + 1;
    if (size > kLineBytesMax || feed == std::string::npos) break;
    // What is kept raw has a bound of its own; a line over it is a piece by itself.
    if (keeper_ && at != begin && feed + 1 - begin > piece_bytes_max_) break;
    const bool empty = size == 0 || (size == 1 && text_[at] == '\r');
    if (empty && empty_line_ == EmptyLine::kEndsBatch) {
      parse(std::string_view(text_).substr(begin, at - begin), lines, true, options, out);
      at = feed + 1;
      return true;
    }
    at = feed + 1;
    lines += 1;
  }
  if (at == begin) return false;
  parse(std::string_view(text_).substr(begin, at - begin), lines, false, options, out);
  return out.long_line == 0;
}

void LineFeed::parse(std::string_view text, std::size_t lines, bool ends_batch,
                     const wire::LineOptions& options, Output& out) {
  wire::LineOptions stamped = options;
  if (keeper_) stamped.now = keeper_->stamp(options.now);
  Piece piece{parser_.parse(text, stamped), text.size(), ends_batch, 0, {}};
  piece.readings = piece.lines.readings;
  if (keeper_) {
    const auto kept = keeper_->add({{}, text, false}, stamped.now, piece.lines);
    if (!kept) piece.not_kept = kept.error().message;
  }
  for (wire::LineError& error : piece.lines.errors) error.line += lines_before_;
  lines_before_ = ends_batch ? 0 : lines_before_ + lines;
  out.pieces.push_back(std::move(piece));
}

LineFeed::Output LineFeed::end(LastLine last_line, const wire::LineOptions& options) {
  Output out;
  const std::string text = std::exchange(text_, {});
  if (text.empty()) return out;
  if (last_line == LastLine::kKept) {
    parse(text, 1, false, options, out);
  } else {
    out.cut_line = lines_before_ + 1;
  }
  return out;
}

}  // namespace fieldpost::agent
