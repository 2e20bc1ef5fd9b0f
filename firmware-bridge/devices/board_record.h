#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "firmware-bridge/devices/diagnosis.h"
#include "firmware-bridge/devices/traffic.h"
#include "firmware-bridge/protocols/protocol.h"
#include "proto/rt/time.h"

namespace fieldpost::bridge {

/// What was heard of a board, in all and lately. Pure.
class BoardRecord {
 public:
  static constexpr std::size_t kBootsKeptMax = 16;  ///< of the newest; all are counted

  explicit BoardRecord(rt::Nanos window) : window_(window), recent_(window) {}
  /// `counts`: the protocol's, after it. `wall`: the time by our clock.
  void take(const Heard& heard, const ProtocolCounts& counts, rt::Instant now, rt::UnixTime wall);
  /// The port was opened: another board may be there.
  void meet_anew() { is_known_ = false; }
  /// Lately begins now.
  void restart(rt::Instant now) { recent_.restart(now, total_); }
  void mark(rt::Instant now) { recent_.mark(now, total_); }
  /// Whoever restarts a board on purpose knows that it booted.
  void forget_boots() { recent_boots_.clear(); }
  /// Of a clock of the board only while ours is right.
  void tell(rt::Instant now, bool clock_is_right, Evidence& evidence) const;

  [[nodiscard]] const Traffic& total() const { return total_; }
  [[nodiscard]] std::uint64_t lost() const { return lost_; }
  [[nodiscard]] std::uint64_t boots() const { return boots_; }
  [[nodiscard]] const std::optional<Hello>& hello() const { return hello_; }
  [[nodiscard]] std::size_t kept() const { return recent_boots_.size() + recent_.marks(); }

 private:
  struct Boot {
    rt::Instant at;
    BootReason reason;
  };
  struct Clock {
    rt::Instant at;
    rt::Nanos ahead;
  };

  rt::Nanos window_;
  Traffic total_;
  RecentTraffic recent_;
  std::uint64_t lost_ = 0, boots_ = 0;
  std::deque<Boot> recent_boots_;
  std::optional<Hello> hello_;
  bool is_known_ = false;  ///< it said hello since `meet_anew`
  std::optional<Clock> clock_;
  std::string why_bad_;
};

}  // namespace fieldpost::bridge
