#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/sources/json_mapping.h"
#include "agent/sources/tail/tail_position.h"
#include "proto/rt/files.h"
#include "proto/wire/line_protocol.h"

namespace fieldpost::agent {

enum class TailFormat : std::uint8_t { kLineProtocol, kJson };

struct TailReaderConfig {
  std::string path;
  std::string position_path;  ///< where the position is kept
  TailFormat format = TailFormat::kLineProtocol;
  wire::Precision precision = wire::Precision::kNs;  ///< kLineProtocol only
  JsonMapping json;                                  ///< kJson only: an object a line
  bool from_beginning = false;  ///< at first sight of a file that exists; otherwise from its end
};

/// Reads a growing file piece by piece, through rotation and truncation, and remembers on disk how
/// far it came. Blocking: lives on a worker.
class TailReader {
 public:
  static constexpr std::size_t kChunkBytesMax = 256 * 1024;
  static constexpr std::size_t kLineBytesMax = (64 + 8) * 1024;  ///< more: skipped and counted
  static constexpr std::size_t kRotatedMax = 64;  ///< files looked at for one that was renamed

  struct Chunk {
    wire::ParsedLines lines;
    std::uint64_t bytes = 0;      ///< 0: nothing new
    bool more = false;            ///< there is more already
    bool rotated_end = false;     ///< the end of a file that has a successor
    std::string idempotency_key;  ///< set when lines were stamped: reading again would double them
    std::uint64_t errors = 0;     ///< beside bad lines
    std::string last_error;
  };

  TailReader(rt::Files& files, TailReaderConfig config)
      : files_(files), config_(std::move(config)) {}
  /// The next lines. Without `settle` in between, the same ones again (or more, if none was
  /// stamped). `leave_rotated`: goes on with the successor if the rotated file has no line more.
  [[nodiscard]] Chunk read(rt::UnixTime now, bool leave_rotated);
  /// The last chunk is accepted: writes the position behind it.
  rt::Status settle();

 private:
  bool load(Chunk& chunk);
  void first_sight();
  std::optional<std::string> locate(Chunk& chunk);
  std::optional<std::string> follow(const rt::FileInfo& now, Chunk& chunk);
  std::optional<std::string> find_rotated();
  bool begin_successor(const std::string& rotated, Chunk& chunk);
  void begin_file(std::uint64_t inode);
  std::string read_lines(const std::string& path, Chunk& chunk);
  void skip_long_line(std::string& text, Chunk& chunk);
  void parse(std::string_view text, rt::UnixTime now, Chunk& chunk);
  void parse_json(std::string_view text, rt::UnixTime now, wire::ParsedLines& out);
  rt::Status store();

  rt::Files& files_;
  TailReaderConfig config_;
  wire::LineParser parser_;
  std::optional<TailPosition> position_;
  std::uint64_t chunk_bytes_ = 0;  ///< of the last chunk, until it is settled
  bool skipping_ = false;          ///< within a line that is too long
};

}  // namespace fieldpost::agent
