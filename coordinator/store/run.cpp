#include "coordinator/store/run.h"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace fieldpost::coordinator {
namespace {

bool ascends(std::span<const Item> items) {
  return std::adjacent_find(items.begin(), items.end(), [](const Item& a, const Item& b) {
           return a.time >= b.time;
         }) == items.end();
}

/// Leaves one item a time; `wins(later, earlier)` decides between neighbours of equal time.
template <typename Wins>
void leave_winners(std::vector<Item>& items, std::size_t from, Wins wins) {
  const auto begin = items.begin() + static_cast<std::ptrdiff_t>(from);
  std::stable_sort(begin, items.end(),
                   [](const Item& a, const Item& b) { return a.time < b.time; });
  std::size_t kept = from;
  for (std::size_t i = from; i < items.size(); ++i) {
    if (kept > from && items[kept - 1].time == items[i].time) {
      if (wins(items[i], items[kept - 1])) items[kept - 1] = items[i];
    } else {
      items[kept++] = items[i];
    }
  }
  items.resize(kept);
}

}  // namespace

std::uint64_t Dictionary::index_of(std::string_view text) {
  const auto [it, added] = indexes_.try_emplace(std::string(text), texts_.size());
  if (added) texts_.emplace_back(text);
  return it->second;
}

void append_column(Run& run, const wire::Column& column, std::span<const wire::Rank> ranks) {
  std::vector<std::uint64_t> indexes;
  indexes.reserve(column.strings.size());
  for (const std::string& text : column.strings) indexes.push_back(run.strings.index_of(text));
  const std::size_t from = run.items.size();
  // Many columns go into one run: exact room each time would copy it each time.
  const std::size_t needed = from + column.count();
  if (needed > run.items.capacity()) run.items.reserve(std::max(needed, 2 * from));
  for (std::size_t i = 0; i < column.count(); ++i) {
    const std::uint64_t value = column.values[i];
    run.items.push_back({column.times[i],
                         indexes.empty() ? value : indexes[static_cast<std::size_t>(value)],
                         ranks.size() == 1 ? ranks[0] : ranks[i]});
  }
  if (ascends(std::span(run.items).subspan(from))) return;
  leave_winners(run.items, from,
                [](const Item& later, const Item& earlier) { return later.rank >= earlier.rank; });
}

void settle(Run& run) {
  if (ascends(run.items)) return;
  leave_winners(run.items, 0,
                [](const Item& later, const Item& earlier) { return later.rank > earlier.rank; });
}

}  // namespace fieldpost::coordinator
