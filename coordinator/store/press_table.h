#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/store/reading_store.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/wire/ids.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kPressesOfSeriesMax = 100'000;

enum class PressAction : std::uint8_t { kNone = 0, kStart = 1, kStop = 2, kToggle = 3 };
/// "start", "stop" or "toggle"; kNone: nothing of that.
[[nodiscard]] PressAction parse_press_action(std::string_view text);
[[nodiscard]] std::string_view to_string(PressAction action);

struct Press {
  SeriesId series = 0;
  std::int64_t time = 0;  ///< ns, as it was stamped
  wire::Id128 boot;       ///< zero: good times
  PressAction action = PressAction::kNone;
  std::string by;
  std::int64_t arrived = 0;  ///< ns
  std::string problem;       ///< why it has no effect; empty: it has
  /// ns, corrected; absent: nobody knows yet how wrong the node's clock was.
  std::optional<std::int64_t> at;
};

/// Buttons that were pressed. What changes runs inside the caller's transaction.
class PressTable {
 public:
  explicit PressTable(rt::Database& db) : db_(db) {}

  /// One of the same series, boot and time is replaced. kFull at kPressesOfSeriesMax.
  rt::Status put(const Press& press);
  rt::Status set_problem(const Press& press, const std::string& problem);
  /// Those of a button at `from` or later, ordered by their corrected times, and those whose time
  /// is not known, at the end.
  rt::Result<std::vector<Press>> since(SeriesId series, std::int64_t from);
  /// The newest arrivals that have no effect, newest first.
  rt::Result<std::vector<Press>> without_effect(std::size_t limit);
  /// Series with presses that wait for the offset of a clock which is known by now.
  rt::Result<std::vector<SeriesId>> overdue();

 private:
  rt::Database& db_;
};

inline constexpr std::string_view kPressWaits =
    "the node's clock was not synchronised; it waits for the node to know the time";

}  // namespace fieldpost::coordinator
