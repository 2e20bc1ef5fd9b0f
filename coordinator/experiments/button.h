#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "coordinator/store/press_table.h"

namespace fieldpost::coordinator {

/// Between two presses of a button.
struct Stretch {
  std::int64_t start = 0;            ///< ns
  std::optional<std::int64_t> stop;  ///< ns, never before the start; absent: nobody stopped it
  std::string started_by, stopped_by;
  std::size_t start_index = 0;  ///< of the press that began it
};

/// What presses of one button mean, in the order of their corrected times, when nothing is open
/// before the first: a start begins a stretch and ends the one that is open, a stop ends it, a
/// toggle does what of both is next. A stop without a stretch does nothing. Presses without a time
/// or with no action are passed over.
[[nodiscard]] std::vector<Stretch> stretches_of(std::span<const Press> presses);

/// How many of the first presses may go, so that those behind mean what they meant: at least
/// `wanted` if that can be, otherwise as many as can be. A stretch that is open keeps its start.
/// All of them have times.
[[nodiscard]] std::size_t droppable(std::span<const Press> presses, std::size_t wanted);

}  // namespace fieldpost::coordinator
