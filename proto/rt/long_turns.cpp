#include "proto/rt/long_turns.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace fieldpost::rt {

std::optional<std::string> LongTurns::add(Nanos took, Instant now) {
  count_ += 1;
  longest_ = std::max(longest_, took);
  if (reported_at_ && now - *reported_at_ < kReportEvery) return std::nullopt;
  std::string line = fmt::format("{} turns of the loop took long, the longest {} ms", count_,
                                 std::chrono::duration_cast<Millis>(longest_).count());
  *this = {};
  reported_at_ = now;
  return line;
}

}  // namespace fieldpost::rt
