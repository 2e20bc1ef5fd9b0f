#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "firmware-bridge/devices/board_record.h"
#include "firmware-bridge/devices/device_config.h"
#include "firmware-bridge/devices/device_state.h"
#include "firmware-bridge/devices/diagnosis.h"
#include "firmware-bridge/devices/reading_sink.h"
#include "firmware-bridge/ports/port.h"
#include "firmware-bridge/protocols/protocol.h"
#include "proto/rt/clock.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"

namespace fieldpost::bridge {

/// What sessions need of the world; all outlive them.
struct DevicePorts {
  rt::Loop& loop;
  const rt::WallClock& clock;
  rt::Log& log;
  Ports& ports;
  ReadingSink& sink;
};

/// After each piece that said something that counts: who the board is, or readings with whole keys.
using OnHeard = std::function<void(const Heard& heard)>;

/// What every session has, whatever port its board is at: the protocol, the record of what was
/// heard, the diagnosis of it, which is logged when another one stands, and the metrics, which go
/// to the sink. It opens nothing: its session tells it of the port.
class DeviceWatch {
 public:
  static constexpr rt::Nanos kJudgeEvery = rt::Seconds(1);
  static constexpr rt::Nanos kMetricsEvery = rt::Seconds(10);

  /// `config` outlives it.
  DeviceWatch(DevicePorts ports, const DeviceConfig& config, std::unique_ptr<Protocol> protocol);
  ~DeviceWatch();
  DeviceWatch(const DeviceWatch&) = delete;
  DeviceWatch& operator=(const DeviceWatch&) = delete;

  void on_opened(std::string port);
  void on_closed(rt::Error why);  ///< or it could not be opened
  void on_suspended();
  void on_resumed();

  /// Bytes of a stream. What is given back has whole keys and is to be offered.
  [[nodiscard]] Heard hear(std::string_view bytes);
  [[nodiscard]] Heard hear_message(std::string_view bytes);
  void set_on_heard(OnHeard on_heard) { on_heard_ = std::move(on_heard); }

  [[nodiscard]] std::string question() const { return protocol_->question(); }
  [[nodiscard]] std::uint64_t undeclared() const { return record_.total().counts.undeclared; }
  [[nodiscard]] DeviceState state() const;
  /// Things remembered of the past, which does not grow with it.
  [[nodiscard]] std::size_t kept() const { return record_.kept(); }

 private:
  void take(Heard& heard);
  void judge_and_rearm();
  void judge();
  void begin_window();
  void tell_verdict();
  void offer_metrics();
  void offer_metrics_and_rearm();
  [[nodiscard]] Evidence evidence() const;

  DevicePorts ports_;
  const DeviceConfig& config_;
  std::unique_ptr<Protocol> protocol_;
  BoardRecord record_;
  std::uint64_t unfit_ = 0;
  StandingDiagnosis diagnosis_;
  Verdict logged_ = Verdict::kWaiting;
  bool is_suspended_ = false;
  std::string port_;  ///< DeviceState's
  std::optional<rt::Error> port_error_;
  std::optional<rt::Instant> judged_since_;  ///< absent: the port is not open
  OnHeard on_heard_;
  rt::TimerId judge_timer_ = rt::TimerId::kNone;
  rt::TimerId metrics_timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::bridge
