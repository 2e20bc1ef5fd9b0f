#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/rt/files.h"

namespace fieldpost::agent {

/// How far a file was read. Stored as text beside the spool.
struct TailPosition {
  std::uint64_t inode = 0;       ///< 0: no file yet; the first one is read from its beginning
  std::uint64_t generation = 0;  ///< counts files and truncations: inodes are used again
  std::uint64_t offset = 0;      ///< everything before it is accepted
  std::uint64_t pending = 0;     ///< bytes from there that may be accepted already; 0: none
  bool operator==(const TailPosition&) const = default;

  [[nodiscard]] std::string text() const;
  /// kCorrupt when it is not what `text` writes.
  static rt::Result<TailPosition> parse(std::string_view text);
};

}  // namespace fieldpost::agent
