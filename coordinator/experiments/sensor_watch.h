#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/experiments/sensor_config.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

enum class HealthKind : std::uint8_t {
  kSilent = 1,      ///< no reading for longer than it may be silent
  kSlow = 2,        ///< fewer readings than four fifths of its rate, over a while
  kOutOfRange = 3,  ///< the last reading is not a valid value
  kStuck = 4,       ///< the same value for too long
};
inline constexpr int kHealthKinds = 4;
[[nodiscard]] std::string_view to_string(HealthKind kind);  ///< "silent" "slow" …

/// Something that began, or is over.
struct HealthChange {
  HealthKind kind = HealthKind::kSilent;
  bool is_wrong = false;
  std::string detail;  ///< of what is wrong: "112 is above 100"
};

/// Watches one series of a sensor by when its readings arrive: what a node held back comes in a
/// burst later, and until then the sensor is silent for whoever looks. Knows no clock.
class SensorWatch {
 public:
  /// Rates are judged over so many readings, but at least this long.
  static constexpr double kRateReadings = 20;
  static constexpr double kRateLeastS = 10;
  static constexpr double kRateShare = 0.8;

  SensorWatch(const Sensor& sensor, rt::Instant since);

  /// A reading that arrived now; `raw` as it is stored. Of texts the number does not count.
  void on_reading(double raw, bool is_number, rt::Instant now);
  /// What changed since the last look.
  [[nodiscard]] std::vector<HealthChange> look(rt::Instant now);

 private:
  [[nodiscard]] std::optional<std::string> wrong_with(HealthKind kind, rt::Instant now) const;
  [[nodiscard]] std::optional<std::string> silence(rt::Instant now) const;
  [[nodiscard]] std::optional<std::string> slowness(rt::Instant now) const;
  [[nodiscard]] std::optional<std::string> range() const;
  [[nodiscard]] std::optional<std::string> stuckness(rt::Instant now) const;
  [[nodiscard]] double window_s() const;

  Sensor sensor_;
  rt::Instant since_;               ///< the watch began
  rt::Instant last_;                ///< arrival of the last reading, or the beginning
  std::optional<double> value_;     ///< calibrated
  rt::Instant value_since_;         ///< since when it is that
  std::deque<rt::Instant> recent_;  ///< arrivals, as many as the rate needs
  bool wrong_[kHealthKinds] = {};
};

}  // namespace fieldpost::coordinator
