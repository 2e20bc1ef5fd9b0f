#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "agent/sources/line_connection.h"
#include "agent/sources/line_pump.h"
#include "agent/sources/patient_intake.h"
#include "agent/sources/source.h"
#include "proto/rt/streams.h"

namespace fieldpost::agent {

struct LineSocketConfig {
  std::string path = "/run/fieldpost/agent.sock";
};

/// The unix socket for line protocol. A batch of lines ends with an empty line and is answered,
/// when it is on disk, with `ok N` (lines stored), before it `error LINE: what` for the first bad
/// line, or `error 0: what` when the spool did not take it (`spool is full: …` where it has no
/// room, perhaps for one class only). `#unit` lines (wire::UnitLines) hold until the connection
/// ends; they are not among the N.
class LineSocket final : public Source {
 public:
  static constexpr std::size_t kConnectionsMax = 64;  ///< more: told so and closed
  static constexpr std::size_t kRefusedMax = 16;      ///< being told so; more: just closed

  /// Fails as Streams::listen_unix does.
  static rt::Result<std::unique_ptr<LineSocket>> listen(LinePorts ports, rt::Streams& streams,
                                                        const LineSocketConfig& config);
  [[nodiscard]] SourceHealth health() const override { return health_; }
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  explicit LineSocket(LinePorts ports);
  void on_accept(std::unique_ptr<rt::Stream> stream);

  LinePorts ports_;
  SourceHealth health_;
  PatientIntake intake_;
  std::map<std::uint64_t, std::shared_ptr<LineConnection>> connections_;
  std::uint64_t last_id_ = 0;
  std::unique_ptr<rt::Listener> listener_;
};

}  // namespace fieldpost::agent
