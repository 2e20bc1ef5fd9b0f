#include "coordinator/experiments/sensor_watch.h"

#include <fmt/format.h>

#include <algorithm>

namespace fieldpost::coordinator {
namespace {

double seconds(rt::Nanos span) {
  return std::chrono::duration<double>(span).count();
}

}  // namespace

std::string_view to_string(HealthKind kind) {
  switch (kind) {
    case HealthKind::kSilent: return "silent";
    case HealthKind::kSlow: return "slow";
    case HealthKind::kOutOfRange: return "out_of_range";
    case HealthKind::kStuck: return "stuck";
  }
  return "";
}

SensorWatch::SensorWatch(const Sensor& sensor, rt::Instant since)
    : sensor_(sensor), since_(since), last_(since), value_since_(since) {}

double SensorWatch::window_s() const {
  return std::max(kRateLeastS, kRateReadings / sensor_.rate_hz.value_or(1));
}

void SensorWatch::on_reading(double raw, bool is_number, rt::Instant now) {
  last_ = now;
  if (sensor_.rate_hz) {
    recent_.push_back(now);
    // One more than are needed tells that there were enough.
    const auto most = static_cast<std::size_t>(window_s() * *sensor_.rate_hz) + 1;
    if (recent_.size() > most) recent_.pop_front();
  }
  if (!is_number) return;
  const double value = sensor_.calibration.apply(raw);
  if (!value_ || *value_ != value) value_since_ = now;
  value_ = value;
}

std::vector<HealthChange> SensorWatch::look(rt::Instant now) {
  std::vector<HealthChange> changes;
  for (int i = 0; i < kHealthKinds; ++i) {
    const auto kind = static_cast<HealthKind>(i + 1);
    const auto wrong = wrong_with(kind, now);
    if (wrong.has_value() == wrong_[i]) continue;
    wrong_[i] = wrong.has_value();
    changes.push_back({kind, wrong_[i], wrong.value_or("")});
  }
  return changes;
}

std::optional<std::string> SensorWatch::wrong_with(HealthKind kind, rt::Instant now) const {
  switch (kind) {
    case HealthKind::kSilent: return silence(now);
    case HealthKind::kSlow: return slowness(now);
    case HealthKind::kOutOfRange: return range();
    case HealthKind::kStuck: return stuckness(now);
  }
  return std::nullopt;
}

std::optional<std::string> SensorWatch::silence(rt::Instant now) const {
  const auto allowed = silence_allowed_s(sensor_);
  if (!allowed || seconds(now - last_) <= *allowed) return std::nullopt;
  return fmt::format("no reading for more than {} s", *allowed);
}

/// A silent sensor is told as such, not as a slow one.
std::optional<std::string> SensorWatch::slowness(rt::Instant now) const {
  if (!sensor_.rate_hz || silence(now)) return std::nullopt;
  const double window = window_s();
  if (seconds(now - since_) < window) return std::nullopt;
  const auto count = std::ranges::count_if(
      recent_, [&](rt::Instant arrival) { return seconds(now - arrival) <= window; });
  const double rate = static_cast<double>(count) / window;
  if (rate >= kRateShare * *sensor_.rate_hz) return std::nullopt;
  return fmt::format("{:.3g} readings a second instead of {:.3g}", rate, *sensor_.rate_hz);
}

std::optional<std::string> SensorWatch::range() const {
  if (!value_) return std::nullopt;
  if (sensor_.min && !(*value_ >= *sensor_.min)) {
    return fmt::format("{} is not at least {}", *value_, *sensor_.min);
  }
  if (sensor_.max && !(*value_ <= *sensor_.max)) {
    return fmt::format("{} is not at most {}", *value_, *sensor_.max);
  }
  return std::nullopt;
}

std::optional<std::string> SensorWatch::stuckness(rt::Instant now) const {
  if (!sensor_.stuck_after_s || !value_ || silence(now)) return std::nullopt;
  if (seconds(now - value_since_) <= *sensor_.stuck_after_s) return std::nullopt;
  return fmt::format("{} for more than {} s", *value_, *sensor_.stuck_after_s);
}

}  // namespace fieldpost::coordinator
