#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/rt/time.h"

namespace fieldpost::agent {

/// How many bytes may go to the broker: so many a second, so many a day. Topics and payloads of
/// all messages count, MQTT's own few bytes a message do not. A day is 24 hours of running time.
/// Plain state; loop thread.
class ByteBudget {
 public:
  static constexpr rt::Seconds kDay{86'400};
  /// The day is written down each time that this part of it was spent, or that so long has passed:
  /// a restart forgets no more.
  static constexpr std::uint64_t kNoteParts = 16;
  static constexpr rt::Nanos kNoteEvery = rt::Seconds(3600);

  /// 0: no bound.
  ByteBudget(std::uint64_t bytes_per_second, std::uint64_t bytes_per_day)
      : per_second_(bytes_per_second), per_day_(bytes_per_day) {}

  /// How long a message of so many bytes has to wait; 0: it may go now.
  [[nodiscard]] rt::Nanos time_to(std::size_t bytes, rt::Instant now);
  void spend(std::size_t bytes, rt::Instant now);
  /// Until the next day, when this one has no room for so many bytes; nullopt: it has.
  [[nodiscard]] std::optional<rt::Nanos> exhausted_for(std::size_t bytes, rt::Instant now);

  /// The day as a line of text, when it should be written down now; nothing before `resume`.
  [[nodiscard]] std::optional<std::string> note(rt::Instant now);
  /// Goes on with the day that was written down, adding what was spent since the start.
  void resume(std::string_view note, rt::Instant now);

 private:
  void begin_day_if_over(rt::Instant now);
  void fill(rt::Instant now);

  std::uint64_t per_second_;
  std::uint64_t per_day_;
  double tokens_ = 0;  ///< bytes that may go now
  rt::Instant filled_at_;
  std::uint64_t spent_ = 0;  ///< of this day
  rt::Instant day_began_;
  std::uint64_t spent_noted_ = 0;
  std::optional<rt::Instant> noted_at_;  ///< none: not resumed yet
};

}  // namespace fieldpost::agent
