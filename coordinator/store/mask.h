#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/store/chunk_table.h"
#include "coordinator/store/run.h"

namespace fieldpost::coordinator {

/// What a deletion covers: readings of these times that were accepted before it, as far as the
/// coordinator had heard of them. It goes by rank, so that a record that comes again, under its own
/// name or another, brings nothing back, while what is written anew stays.
struct Mask {
  std::int64_t deletion = 0;            ///< row of `deletion`
  std::string measurement;              ///< empty: any
  std::int64_t first_time = INT64_MIN;  ///< both included
  std::int64_t last_time = INT64_MAX;
  bool is_pending = true;                ///< chunks may still hold some of it
  std::int64_t pack_no_max = INT64_MAX;  ///< readings in packs up to it were there before
  std::uint64_t ordinal_max = 0;         ///< of ordinals that are not marked
  std::vector<wire::Rank> marks;         ///< by ordinal: the highest seq that is covered

  [[nodiscard]] bool touches(std::int64_t first, std::int64_t last) const {
    return first <= last_time && last >= first_time;
  }
  [[nodiscard]] bool covers(const wire::Rank& rank) const;
  [[nodiscard]] bool covers(std::int64_t time, const wire::Rank& rank, std::int64_t pack_no) const {
    return touches(time, time) && (pack_no <= pack_no_max || covers(rank));
  }
};

/// Those of one series.
using Masks = std::vector<Mask>;

/// Those of the masks that touch the times.
[[nodiscard]] bool touch(const Masks& masks, std::int64_t first, std::int64_t last);

/// The one that covers all of the chunk as far as its row tells: it need not be decoded. Null:
/// none.
[[nodiscard]] const Mask* covers_whole(const Masks& masks, const ChunkRow& chunk);

/// How many readings each deletion took.
class Taken {
 public:
  void add(std::int64_t deletion, std::uint64_t readings, std::uint64_t bytes = 0);
  struct Count {
    std::int64_t deletion = 0;
    std::uint64_t readings = 0, bytes = 0;
  };
  [[nodiscard]] const std::vector<Count>& counts() const { return counts_; }

 private:
  std::vector<Count> counts_;
};

/// Takes off what is covered among the items from `begin` on, which come from no pack.
void erase_masked(std::vector<Item>& items, std::size_t begin, const Masks& masks,
                  Taken* taken = nullptr);
/// What is left of a chunk.
[[nodiscard]] ChunkReadings leave_unmasked(ChunkReadings readings, std::int64_t pack_no,
                                           const Masks& masks, Taken* taken = nullptr);

}  // namespace fieldpost::coordinator
