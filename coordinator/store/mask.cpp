#include "coordinator/store/mask.h"

#include <algorithm>
#include <utility>

namespace fieldpost::coordinator {
namespace {

constexpr std::int64_t kNoPack = INT64_MAX;

const Mask* find_cover(const Masks& masks, std::int64_t time, const wire::Rank& rank,
                       std::int64_t pack_no) {
  const auto found = std::find_if(masks.begin(), masks.end(), [&](const Mask& mask) {
    return mask.covers(time, rank, pack_no);
  });
  return found == masks.end() ? nullptr : &*found;
}

}  // namespace

bool Mask::covers(const wire::Rank& rank) const {
  const auto mark = std::lower_bound(
      marks.begin(), marks.end(), rank.ordinal,
      [](const wire::Rank& a, std::uint64_t ordinal) { return a.ordinal < ordinal; });
  if (mark != marks.end() && mark->ordinal == rank.ordinal) return rank.seq <= mark->seq;
  return rank.ordinal <= ordinal_max;
}

bool touch(const Masks& masks, std::int64_t first, std::int64_t last) {
  return std::any_of(masks.begin(), masks.end(),
                     [&](const Mask& mask) { return mask.touches(first, last); });
}

const Mask* covers_whole(const Masks& masks, const ChunkRow& chunk) {
  const auto found = std::find_if(masks.begin(), masks.end(), [&](const Mask& mask) {
    return chunk.pack_no <= mask.pack_no_max && chunk.first_time >= mask.first_time &&
           chunk.last_time <= mask.last_time;
  });
  return found == masks.end() ? nullptr : &*found;
}

void Taken::add(std::int64_t deletion, std::uint64_t readings, std::uint64_t bytes) {
  const auto found = std::find_if(counts_.begin(), counts_.end(),
                                  [&](const Count& count) { return count.deletion == deletion; });
  Count& count = found != counts_.end() ? *found : counts_.emplace_back(Count{deletion, 0, 0});
  count.readings += readings;
  count.bytes += bytes;
}

void erase_masked(std::vector<Item>& items, std::size_t begin, const Masks& masks, Taken* taken) {
  if (masks.empty()) return;
  const auto past = std::remove_if(
      items.begin() + static_cast<std::ptrdiff_t>(begin), items.end(), [&](const Item& item) {
        const Mask* cover = find_cover(masks, item.time, item.rank, kNoPack);
        if (cover != nullptr && taken != nullptr) taken->add(cover->deletion, 1);
        return cover != nullptr;
      });
  items.erase(past, items.end());
}

ChunkReadings leave_unmasked(ChunkReadings readings, std::int64_t pack_no, const Masks& masks,
                             Taken* taken) {
  return leave_some(std::move(readings), [&](std::int64_t time, const wire::Rank& rank) {
    const Mask* cover = find_cover(masks, time, rank, pack_no);
    if (cover != nullptr && taken != nullptr) taken->add(cover->deletion, 1);
    return cover == nullptr;
  });
}

}  // namespace fieldpost::coordinator
