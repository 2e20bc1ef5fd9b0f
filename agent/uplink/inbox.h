#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "agent/spool/spool_front.h"
#include "agent/uplink/uplink.h"
#include "proto/rt/clock.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"
#include "proto/wire/messages.h"

namespace fieldpost::agent {

/// Commands of the coordinator: each is written down before it is acted on, acted on at most once,
/// and answered by an event record ([cmd-2], [cmd-3]). Verbs: `ping`, `resend`. Loop thread.
class Inbox {
 public:
  Inbox(rt::Loop& loop, const rt::WallClock& clock, rt::Log& log, SpoolFront& front,
        Uplink& uplink);
  /// Answers what a former life of this process began and did not finish, and tells the uplink the
  /// command mark.
  void recover();
  void on_command(const wire::Command& command);

 private:
  void act(const wire::Command& command);
  void ping(const wire::Command& command);
  void resend(const wire::Command& command);
  void answer(std::uint64_t id, const std::string& verb, bool done, const std::string& detail);

  rt::Loop& loop_;
  const rt::WallClock& clock_;
  rt::Log& log_;
  SpoolFront& front_;
  Uplink& uplink_;
};

}  // namespace fieldpost::agent
