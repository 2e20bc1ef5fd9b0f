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

inline constexpr std::size_t kPressesOfSeriesMax = 100'000;  ///< kept of what nodes send
/// Of what is done here: above all of the nodes'.
inline constexpr wire::Rank kRankHere{INT64_MAX, 0};

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
  wire::Rank rank;           ///< of its reading
  std::int64_t arrived = 0;  ///< ns
  std::string problem;       ///< why it has no effect; empty: it has
  /// ns, corrected; absent: nobody knows yet how wrong the node's clock was.
  std::optional<std::int64_t> at;
};

/// Buttons that were pressed. What changes runs inside the caller's transaction.
class PressTable {
 public:
  explicit PressTable(rt::Database& db) : db_(db) {}

  /// One of the same series, boot and time gives way, unless its rank is higher.
  rt::Status put(const Press& press);
  /// Whether there is one of this series, boot and time.
  rt::Result<bool> has(const Press& press);
  rt::Result<std::int64_t> count(SeriesId series);
  rt::Status set_problem(Press& press, const std::string& problem);
  /// Those of a button at `from` or later, ordered by their corrected times, and those whose time
  /// is not known, at the end.
  rt::Result<std::vector<Press>> since(SeriesId series, std::int64_t from);
  /// The newest arrivals that have no effect, newest first.
  rt::Result<std::vector<Press>> without_effect(std::size_t limit);
  /// ns: earlier ones of a button are not kept any more, and have no effect. INT64_MIN: all are.
  rt::Result<std::int64_t> floor(SeriesId series);
  /// From now on the floor is here.
  rt::Status drop_before(SeriesId series, std::int64_t time);
  /// Notes of those before the floor that they have no effect.
  rt::Status note_late(SeriesId series, std::int64_t floor);
  /// Series with presses that wait for the offset of a clock which is known by now.
  rt::Result<std::vector<SeriesId>> overdue();

 private:
  rt::Database& db_;
};

inline constexpr std::string_view kPressWaits =
    "the node's clock was not synchronised; it waits for the node to know the time";

inline constexpr std::string_view kPressLate =
    "it came too late: presses of its button as old as that are not kept any more";

}  // namespace fieldpost::coordinator
