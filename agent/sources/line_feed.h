#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/mapping/raw_keeper.h"
#include "proto/wire/line_protocol.h"

namespace fieldpost::agent {

enum class EmptyLine : std::uint8_t {
  kEndsBatch,  ///< the socket's convention; there `#unit` lines are obeyed, too
  kIgnored,
};
enum class LastLine : std::uint8_t {
  kKept,
  kDropped,  ///< a line without its line feed may have been cut short: better none than a wrong one
};

/// Cuts a stream of bytes into pieces of whole lines and parses them. A line feed always ends a
/// line here: strings with line feeds go over HTTP. One thread at a time.
class LineFeed {
 public:
  static constexpr std::size_t kPieceBytesMax = 256 * 1024;      ///< of one call of the parser
  static constexpr std::size_t kLineBytesMax = (64 + 8) * 1024;  ///< a string value and its names
  static constexpr std::size_t kPiecesMax = 256;                 ///< of one call of `take`

  struct Piece {
    wire::ParsedLines lines;  ///< line numbers count from the first line of the batch
    std::size_t bytes = 0;
    bool ends_batch = false;
    std::size_t readings = 0;  ///< made of the lines: without what is kept raw
    std::string not_kept;      ///< why its text was not kept raw; empty: it was, or need not be
  };
  struct Output {
    std::vector<Piece> pieces;
    bool more = false;           ///< there is more: call `take` again, without bytes
    std::size_t long_line = 0;   ///< number of a line over kLineBytesMax: nothing after it is read
    std::size_t bytes_kept = 0;  ///< of a line that has not ended
    std::size_t cut_line = 0;    ///< number of a line without line feed that `end` dropped
  };

  /// `keeper`: of the source, where it keeps its lines raw; may be null.
  explicit LineFeed(EmptyLine empty_line, std::shared_ptr<mapping::RawKeeper> keeper = nullptr)
      : empty_line_(empty_line),
        keeper_(std::move(keeper)),
        piece_bytes_max_(keeper_ ? mapping::kRawBlockBytesMax : kPieceBytesMax),
        parser_(empty_line == EmptyLine::kEndsBatch ? wire::UnitLines::kObeyed
                                                    : wire::UnitLines::kComments) {}
  /// All complete lines of what came before and of `bytes`.
  [[nodiscard]] Output take(std::string bytes, const wire::LineOptions& options);
  /// After the last byte, and after `more` is false.
  [[nodiscard]] Output end(LastLine last_line, const wire::LineOptions& options);

 private:
  bool cut_piece(std::size_t& at, const wire::LineOptions& options, Output& out);
  void parse(std::string_view text, std::size_t lines, bool ends_batch,
             const wire::LineOptions& options, Output& out);

  EmptyLine empty_line_;
  std::shared_ptr<mapping::RawKeeper> keeper_;
  std::size_t piece_bytes_max_;
  wire::LineParser parser_;
  std::string text_;  ///< not parsed yet
  std::size_t lines_before_ = 0;
};

}  // namespace fieldpost::agent
