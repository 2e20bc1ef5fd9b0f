#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "firmware-bridge/devices/device_config.h"
#include "firmware-bridge/devices/device_state.h"
#include "firmware-bridge/devices/diagnosis.h"
#include "firmware-bridge/devices/reading_sink.h"
#include "firmware-bridge/ports/modbus_link.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"

namespace fieldpost::bridge {

/// One Modbus device: asks it for all its values, round after round, and offers them to the sink.
/// Loop thread; stores nothing.
class ModbusSession {
 public:
  static constexpr rt::Nanos kJudgeEvery = rt::Seconds(1);
  static constexpr rt::Nanos kMetricsEvery = rt::Seconds(10);
  static constexpr rt::Nanos kAfterFailure = rt::Seconds(1);  ///< at least, to the next round

  struct Ports {
    rt::Loop& loop;
    rt::Log& log;
    ReadingSink& sink;
  };
  ModbusSession(Ports ports, DeviceConfig config, std::unique_ptr<ModbusLink> link);
  ~ModbusSession();
  ModbusSession(const ModbusSession&) = delete;
  ModbusSession& operator=(const ModbusSession&) = delete;

  [[nodiscard]] DeviceState state() const;

 private:
  void read();
  void on_round(rt::Result<std::vector<Measured>> round);
  void judge_and_rearm();
  void judge();
  void tell_verdict();
  [[nodiscard]] Diagnosis diagnose_round() const;
  void offer_metrics();
  void offer_metrics_and_rearm();

  Ports ports_;
  DeviceConfig config_;
  std::unique_ptr<ModbusLink> link_;
  std::uint64_t readings_ = 0, unfit_ = 0;
  bool is_read_ = false;  ///< a round is over
  rt::Status last_ = rt::ok();
  std::uint64_t others_before_ = 0;  ///< ModbusCounts::others, as the round began
  bool is_reached_ = true;           ///< the last round did not fail at the port or connection
  rt::Instant begun_at_, measured_at_;
  StandingDiagnosis diagnosis_;
  Verdict logged_ = Verdict::kWaiting;
  rt::TimerId read_timer_ = rt::TimerId::kNone;
  rt::TimerId judge_timer_ = rt::TimerId::kNone;
  rt::TimerId metrics_timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::bridge
