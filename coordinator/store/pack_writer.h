#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "coordinator/store/chunk_table.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kPackBytesMax = 48 * 1024;  ///< above it the pack is closed
inline constexpr std::size_t kPacksOpenMax = 64;         ///< then the oldest is closed

/// What goes into one chunk.
struct Piece {
  std::span<const Item> items;
  const std::vector<std::string>* texts = nullptr;  ///< what string values index
  wire::ValueType type = wire::ValueType::kF64;
  bool is_full = false;
};

/// Puts chunks that share their timeline into common packs. Rows are in the database only after
/// `flush`. For one transaction.
class PackWriter {
 public:
  explicit PackWriter(rt::Database& db) : db_(db) {}
  rt::Status add(const ChunkOrder& of, const Piece& piece);
  /// The chunk's row is gone with this; its pack when nothing in it is used.
  rt::Status remove(const ChunkRow& chunk);
  rt::Status flush();

 private:
  struct Open {
    Timeline timeline;
    std::string bytes;
    std::uint32_t time_size = 0;
    std::vector<ChunkRow> chunks;
  };
  Open& open_for(Timeline timeline);
  rt::Status close_oldest();

  rt::Database& db_;
  std::deque<Open> open_;
  std::map<std::int64_t, std::int64_t> released_;  ///< users fewer, by pack
};

}  // namespace fieldpost::coordinator
