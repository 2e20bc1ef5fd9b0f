#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proto/wire/ids.h"
#include "proto/wire/readings.h"

namespace fieldpost::coordinator {

/// One reading with the rank that decides between equal times.
struct Item {
  std::int64_t time = 0;
  std::uint64_t value = 0;  ///< as in wire::Column
  wire::Rank rank;
};

/// Distinct texts, numbered in the order of their first use.
class Dictionary {
 public:
  std::uint64_t index_of(std::string_view text);
  [[nodiscard]] const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::vector<std::string> texts_;
  std::unordered_map<std::string, std::uint64_t> indexes_;
};

/// Readings of one series and one boot on their way into chunks or into an answer.
struct Run {
  std::vector<Item> items;
  Dictionary strings;  ///< kString only; `value` is an index into it
};

/// A value as a number; strings have none and give their index.
[[nodiscard]] inline double number_of(std::uint64_t value, wire::ValueType type) {
  switch (type) {
    case wire::ValueType::kF64: return std::bit_cast<double>(value);
    case wire::ValueType::kI64: return static_cast<double>(std::bit_cast<std::int64_t>(value));
    case wire::ValueType::kU64:
    case wire::ValueType::kBool:
    case wire::ValueType::kString: return static_cast<double>(value);
  }
  return 0;
}

/// Adds a record's column. `ranks` is one rank for all, or one for each reading. Of equal times in
/// the column only the winner comes in: the highest rank, then the later position.
void append_column(Run& run, const wire::Column& column, std::span<const wire::Rank> ranks);

/// Sorts by time and leaves one reading a time: the highest rank, of equal ranks the one that came
/// in first, so that what is stored is not replaced by its own repetition.
void settle(Run& run);

}  // namespace fieldpost::coordinator
