#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firmware-bridge/devices/device_config.h"
#include "firmware-bridge/devices/diagnosis.h"
#include "firmware-bridge/devices/probe_hearing.h"
#include "firmware-bridge/ports/port.h"
#include "proto/rt/clock.h"
#include "proto/rt/loop.h"

namespace fieldpost::bridge {

/// What a probe needs of the world; all outlive it.
struct ProbePorts {
  rt::Loop& loop;
  const rt::WallClock& clock;
  Ports& ports;
};

struct ProbeOptions {
  PortAddress address;  ///< not one that is listened at
  SerialSettings serial;
  ProtocolOptions protocol;  ///< not Modbus; its pattern is one
  rt::Nanos listen_for = rt::Seconds(5);
};

struct ProbeReport {
  std::string port;  ///< "/dev/ttyUSB0"; as in the options where it could not be opened
  Diagnosis diagnosis;
  Traffic traffic;  ///< by the options' protocol and baud rate; so are lost and boots
  std::uint64_t lost = 0;
  std::uint64_t boots = 0;
  /// What was found to be understood, which may be other than the options. 0: nothing.
  unsigned fitting_baud = 0;
  ProtocolOptions::Kind fitting_protocol = ProtocolOptions::Kind::kFrames;
  /// By what is understood.
  std::optional<Hello> hello;
  std::vector<ProbedSeries> series;   ///< at most kProbeSeriesMax
  std::uint64_t readings_untold = 0;  ///< of further series
};

/// Looks at a board once: listens, asks who is there, and where bytes come but no frame, looks what
/// other protocol or baud rate makes sense of them. Loop thread; dropping it closes the port.
class Probe {
 public:
  static constexpr rt::Nanos kListenForOther = rt::Seconds(2);  ///< at each other baud rate
  static constexpr rt::Nanos kAskAgain = rt::Seconds(1);        ///< until it says who it is
  static constexpr std::size_t kCaptureBytesMax = 64 * 1024;    ///< of the newest baud rate

  /// bridge's is make_protocol.
  using MakeProtocol =
      std::function<rt::Result<std::unique_ptr<Protocol>>(const ProtocolOptions& options)>;
  using OnProgress = std::function<void(const std::string& line)>;
  using OnDone = std::function<void(ProbeReport report)>;

  /// `on_done` is called once, not from inside; it may drop the probe, which `on_progress` may not.
  Probe(ProbePorts ports, ProbeOptions options, MakeProtocol make_protocol, OnProgress on_progress,
        OnDone on_done);
  ~Probe();
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  [[nodiscard]] std::size_t captured() const { return capture_.size(); }

 private:
  void on_open(rt::Result<std::unique_ptr<Port>> opened);
  void on_data(std::string_view bytes);
  void on_closed(const std::string& why);
  void listen_at(unsigned baud, rt::Nanos span, std::function<void()> then);
  void ask();
  void on_listened();
  void on_listened_at_other();
  bool try_other_protocols();
  void try_next_baud();
  void fit(ProtocolOptions::Kind protocol, const ProbeHearing& hearing);
  void describe(const ProbeHearing& hearing);
  void diagnose_heard();
  void finish_soon();
  [[nodiscard]] ProbeHearing hearing_of(const ProtocolOptions& options) const;

  ProbePorts ports_;
  ProbeOptions options_;
  MakeProtocol make_protocol_;
  OnProgress on_progress_;
  OnDone on_done_;
  ProbeReport report_;
  Evidence evidence_;
  std::unique_ptr<Port> port_;
  std::optional<ProbeHearing> hearing_;  ///< by the options' protocol
  std::string capture_;
  unsigned baud_ = 0;
  std::size_t next_baud_ = 0;  ///< in the list of those that are tried
  rt::TimerId listen_timer_ = rt::TimerId::kNone;
  rt::TimerId ask_timer_ = rt::TimerId::kNone;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::bridge
