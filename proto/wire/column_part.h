#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "proto/wire/readings.h"

namespace fieldpost::wire {

/// Gathers some of the readings of a column into one of their own, with the strings that they use
/// and no others. `from` must stay.
class ColumnPart {
 public:
  explicit ColumnPart(const Column& from);
  void add(std::size_t i);
  [[nodiscard]] Column take() && { return std::move(out_); }

 private:
  static constexpr std::uint64_t kNowhere = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t place_of(std::uint64_t index);

  const Column& from_;
  std::vector<std::uint64_t> places_;  ///< of the strings, in the part
  Column out_;
};

}  // namespace fieldpost::wire
