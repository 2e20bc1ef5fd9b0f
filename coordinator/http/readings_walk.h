#pragma once

#include <functional>
#include <vector>

#include "coordinator/http/readings_answer.h"

namespace fieldpost::coordinator {

/// Where a walk ended: at the place to go on from, or behind the last series.
struct WalkEnd {
  ReadingsPlace next;
  std::size_t readings = 0;
  bool last = false;
};

/// Reads up to `question.limit` readings, series by series from `question.place`, and hands over
/// each series that it came to with what it found of it (perhaps nothing, perhaps in pieces).
[[nodiscard]] rt::Result<WalkEnd> walk_readings(
    ReadingQuery& query, const ReadingsQuestion& question, const Calibrations& calibrations,
    const std::function<void(std::size_t index, const std::vector<Reading>&)>& take);

}  // namespace fieldpost::coordinator
