#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "agent/spool/spool_front.h"
#include "agent/uplink/uplink.h"
#include "proto/rt/clock.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"
#include "proto/wire/messages.h"

namespace fieldpost::agent {

/// Commands of the coordinator: each is written down before it is acted on, acted on at most once,
/// and answered by an event record ([cmd-2], [cmd-3]). The record and the end of the command are
/// one transaction of the spool. Verbs: `ping`, `resend`, and what `set_verb` adds. Loop thread.
class Inbox {
 public:
  /// Commands that the inbox remembers. What is older is not acted on if it comes again.
  static constexpr std::size_t kRowsMax = 1000;

  Inbox(rt::Loop& loop, const rt::WallClock& clock, rt::Log& log, SpoolFront& front,
        Uplink& uplink);
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;
  /// Answers what a former life of this process began and did not finish, and tells the uplink the
  /// command mark.
  void recover();
  void on_command(const wire::Command& command);

  /// What came of a command.
  struct Answer {
    bool done = false;
    std::string detail;
    SpoolWork also = nullptr;  ///< on disk with the answer, or not at all; may be empty
  };
  using Act = std::function<Answer(const wire::Command&)>;
  /// `act` is called for commands of this verb, once each.
  void set_verb(std::string verb, Act act) { verbs_[std::move(verb)] = std::move(act); }
  /// Of a verb that takes a while, and is done by somebody who outlives this process. Each calls
  /// `answered` once, now or later.
  struct SlowVerb {
    using Act = std::function<void(const wire::Command&, std::function<void(Answer)> answered)>;
    Act act;
    Act resume;  ///< of a command that a former life began: finds out what came of it
  };
  void set_slow_verb(std::string verb, SlowVerb slow) {
    slow_verbs_[std::move(verb)] = std::move(slow);
  }

 private:
  void act(const wire::Command& command);
  void act_slowly(const SlowVerb::Act& act, const wire::Command& command);
  void resume(const wire::Command& command);
  void ping(const wire::Command& command);
  void resend(const wire::Command& command);
  struct Outcome {
    std::uint64_t id = 0;
    std::string text;  ///< JSON
    SpoolWork also;    ///< may be empty
  };
  void answer(std::uint64_t id, const std::string& verb, Answer answer);
  void write(Outcome outcome);
  void retry_later(Outcome outcome);

  rt::Loop& loop_;
  const rt::WallClock& clock_;
  rt::Log& log_;
  SpoolFront& front_;
  Uplink& uplink_;
  std::map<std::string, Act> verbs_;
  std::map<std::string, SlowVerb> slow_verbs_;
  std::deque<Outcome> unwritten_;  ///< the disk refused them; at most one a row that is open
  rt::TimerId retry_timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::agent
