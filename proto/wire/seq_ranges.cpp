#include "proto/wire/seq_ranges.h"

#include <algorithm>
#include <utility>

namespace fieldpost::wire {

std::vector<SeqRange> normalise(std::vector<SeqRange> ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<SeqRange> out;
  for (const SeqRange& range : ranges) {
    if (!out.empty() && range.first <= out.back().last + 1) {
      out.back().last = std::max(out.back().last, range.last);
    } else {
      out.push_back(range);
    }
  }
  return out;
}

std::vector<SeqRange> unite(std::vector<SeqRange> a, const std::vector<SeqRange>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return normalise(std::move(a));
}

std::vector<SeqRange> subtract(const std::vector<SeqRange>& from,
                               const std::vector<SeqRange>& what) {
  std::vector<SeqRange> out;
  auto cut = what.begin();
  for (SeqRange range : from) {
    while (cut != what.end() && cut->last < range.first) ++cut;
    for (auto each = cut; each != what.end() && each->first <= range.last; ++each) {
      if (each->first > range.first) out.push_back({range.first, each->first - 1});
      range.first = each->last + 1;
      if (range.first > range.last) break;
    }
    if (range.first <= range.last) out.push_back(range);
  }
  return out;
}

}  // namespace fieldpost::wire
