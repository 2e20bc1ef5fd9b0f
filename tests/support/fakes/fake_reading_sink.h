#pragma once

#include <fmt/format.h>

#include <bit>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "firmware-bridge/devices/device_state.h"
#include "firmware-bridge/devices/reading_sink.h"

namespace fieldpost::sim {

/// A sink that keeps readings as text, apart from the bridge's metrics.
class FakeReadingSink final : public bridge::ReadingSink {
 public:
  std::vector<std::string> readings;  ///< "KEY = VALUE", and " @TIME" where it has one
  std::vector<std::vector<bridge::Measured>> metrics;
  std::vector<std::function<void(rt::Status)>> waiting;  ///< for what is on disk

  void offer(std::vector<bridge::Measured> offered,
             std::function<void(rt::Status)> on_disk) override {
    if (on_disk) waiting.push_back(std::move(on_disk));
    if (!offered.empty() && offered[0].key.measurement == bridge::kMetricsMeasurement) {
      metrics.push_back(std::move(offered));
      return;
    }
    for (const bridge::Measured& each : offered) {
      const std::string time = each.time ? fmt::format(" @{}", *each.time) : "";
      readings.push_back(fmt::format("{} = {}{}", each.key.text(), shown(each.value), time));
    }
  }

  static std::string shown(const mapping::DeviceValue& value) {
    if (value.type == wire::ValueType::kString) return value.text;
    if (value.type == wire::ValueType::kF64) {
      return fmt::format("{:g}", std::bit_cast<double>(value.bits));
    }
    return std::to_string(static_cast<std::int64_t>(value.bits));
  }
  /// Of the newest metrics; "-": it is not there.
  [[nodiscard]] std::string metric(const std::string& field) const {
    if (metrics.empty()) return "-";
    for (const bridge::Measured& each : metrics.back()) {
      if (each.key.field == field) return shown(each.value);
    }
    return "-";
  }
};

}  // namespace fieldpost::sim
