#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/board_flash.h"
#include "agent/builds/builds.h"
#include "agent/sampling.h"
#include "agent/sources/body_writer.h"
#include "agent/sources/line_pump.h"
#include "agent/sources/source.h"
#include "agent/spool/spool_front.h"
#include "agent/uplink/inbox.h"
#include "agent/uplink/uplink.h"
#include "proto/rt/files.h"
#include "proto/wire/flash_order.h"

namespace fieldpost::agent {

/// The ports an agent stands on. All of them outlive it.
struct AgentPorts {
  rt::Loop& loop;
  const rt::WallClock& clock;
  rt::Random& random;
  rt::Mqtt& mqtt;
  rt::Worker& store;    ///< the spool's thread
  rt::Worker& encoder;  ///< parsing and encoding
  rt::Files& files;
  rt::Log& log;
};

/// The node daemon, composed: spool, uplink, inbox, sources. Decides nothing itself. Loop thread.
class Agent {
 public:
  Agent(const AgentPorts& ports, SpoolFrontOptions front, const UplinkOptions& uplink, Spool spool);
  void start();
  void stop();

  /// Before `start`.
  void add_source(std::unique_ptr<Source> source) { sources_.push_back(std::move(source)); }
  /// The same; `flash` outlives this.
  void set_board_flash(BoardFlash& flash) {
    inbox_.set_slow_verb(std::string(wire::kFlashVerb), flash.verb());
  }
  /// The same; `builds` is dropped before this.
  void set_builds(Builds& builds) {
    builds.add_to(inbox_);
    builds_ = &builds;
  }
  /// What sources that read lines stand on.
  [[nodiscard]] LinePorts line_ports() {
    return {ports_.loop, ports_.clock, ports_.encoder, front_};
  }
  [[nodiscard]] BodyWriter& bodies() { return bodies_; }
  [[nodiscard]] SpoolFront& front() { return front_; }
  [[nodiscard]] Uplink& uplink() { return uplink_; }

 private:
  void fill_state(wire::NodeState& state);

  AgentPorts ports_;
  std::vector<std::string> class_names_;  ///< of readings, by index
  SpoolFront front_;
  Uplink uplink_;
  Inbox inbox_;
  BodyWriter bodies_;
  Builds* builds_ = nullptr;  ///< none: this node has no runner
  std::vector<std::unique_ptr<Source>> sources_;
  Sampling sampling_;
};

}  // namespace fieldpost::agent
