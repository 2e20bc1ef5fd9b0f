#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/sources/rules_teller.h"
#include "agent/sources/tail/tail_position.h"
#include "proto/mapping/mapper.h"
#include "proto/rt/files.h"

namespace fieldpost::agent {

struct TailReaderConfig {
  std::string path;
  std::string position_path;  ///< where the position is kept
  mapping::MappingRules rules = {.format = mapping::RuleFormat::kLineProtocol};  ///< of lines
  bool from_beginning = false;  ///< at first sight of a file that exists; otherwise from its end
  bool keep_raw = false;
};

/// What the source that follows a file is called.
[[nodiscard]] std::string tail_name(const std::string& path);

/// Reads a growing file piece by piece, through rotation and truncation, and remembers on disk how
/// far it came. Blocking: lives on a worker.
class TailReader {
 public:
  static constexpr std::size_t kChunkBytesMax = 256 * 1024;
  static constexpr std::size_t kLineBytesMax = (64 + 8) * 1024;  ///< more: skipped and counted
  static constexpr std::size_t kRotatedMax = 64;  ///< files looked at for one that was renamed

  struct Chunk {
    wire::ParsedLines lines;
    std::size_t readings = 0;     ///< made of the lines: without what is kept raw
    std::uint64_t bytes = 0;      ///< 0: nothing new
    bool more = false;            ///< there is more already
    bool rotated_end = false;     ///< the end of a file that has a successor
    std::string idempotency_key;  ///< set when lines were stamped: reading again would double them
    std::uint64_t errors = 0;     ///< beside bad lines
    std::string last_error;
  };

  /// kInvalid: the rules are wrong, or the path cannot be the name of a raw series.
  static rt::Result<TailReader> make(rt::Files& files, TailReaderConfig config);
  /// Of the rules, where lines are kept raw.
  [[nodiscard]] std::optional<RulesTeller> make_teller() const;
  /// The next lines. Without `settle` in between, the same ones again (or more, if none was
  /// stamped). `leave_rotated`: goes on with the successor if the rotated file has no line more.
  [[nodiscard]] Chunk read(rt::UnixTime now, bool leave_rotated);
  /// The last chunk is accepted: writes the position behind it.
  rt::Status settle();

 private:
  TailReader(rt::Files& files, TailReaderConfig config, mapping::Mapper mapper)
      : files_(files), config_(std::move(config)), mapper_(std::move(mapper)) {}
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
  rt::Status store();

  rt::Files& files_;
  TailReaderConfig config_;
  mapping::Mapper mapper_;
  std::optional<mapping::RawKeeper> keeper_;
  std::optional<TailPosition> position_;
  std::uint64_t chunk_bytes_ = 0;  ///< of the last chunk, until it is settled
  bool skipping_ = false;          ///< within a line that is too long
};

}  // namespace fieldpost::agent
