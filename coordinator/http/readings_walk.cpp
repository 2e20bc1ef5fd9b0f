#include "coordinator/http/readings_walk.h"

#include <algorithm>

namespace fieldpost::coordinator {

rt::Result<WalkEnd> walk_readings(
    ReadingQuery& query, const ReadingsQuestion& question, const Calibrations& calibrations,
    const std::function<void(std::size_t index, const std::vector<Reading>&)>& take) {
  WalkEnd end{.next = question.place};
  ReadingsPlace& at = end.next;
  at.from = std::max(at.from, question.range.from);
  while (at.index < question.series.size()) {
    const bool full = end.readings >= question.limit;
    const std::size_t limit = full ? 1 : question.limit - end.readings;
    auto readings = query.readings(question.series[at.index], {at.from, question.range.to}, limit,
                                   calibrations);
    if (!readings) return readings.error();
    if (full && !readings->empty()) return end;
    if (!full) take(at.index, *readings);
    end.readings += full ? 0 : readings->size();
    if (!readings->empty() && readings->back().time < INT64_MAX) {
      at.from = readings->back().time + 1;
    } else {
      at = {at.index + 1, question.range.from};
    }
  }
  end.last = true;
  return end;
}

}  // namespace fieldpost::coordinator
