#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "tests/support/sim/sim_world.h"

namespace fieldpost::sim {

/// The weather on a link. Percentages are of messages.
struct LinkFaults {
  rt::Nanos delay_least = std::chrono::microseconds{200};
  rt::Nanos delay_most = rt::Millis{2};
  int lose_pct = 0;       ///< vanish though the connection stands (a broker's queue overflowed)
  int duplicate_pct = 0;  ///< arrive twice
  int reorder_pct = 0;    ///< arrive late, overtaken by others …
  rt::Nanos late_most = rt::Seconds{5};  ///< … by up to this
  int break_pct = 0;                     ///< take the connection with them
};

struct LinkCounts {
  std::uint64_t sent = 0, lost = 0, duplicated = 0, reordered = 0, broken = 0;
};

/// One direction of a connection. What is sent arrives in order after a delay; messages, but not
/// control packets, meet the faults.
class SimPipe : public std::enable_shared_from_this<SimPipe> {
 public:
  using Arrive = std::function<void()>;
  SimPipe(SimWorld& world, Dice dice, const LinkFaults& faults, LinkCounts& counts)
      : world_(world), dice_(dice), faults_(faults), counts_(counts) {}

  /// Bytes a second that the link carries; 0: any number. Control packets weigh nothing.
  void set_rate(std::uint64_t bytes_per_second) { rate_ = bytes_per_second; }
  void send_control(Arrive arrive, std::size_t bytes = 0);
  /// false: the connection breaks here (the message may have arrived all the same). `swallowed`
  /// arrives in place of a message that is lost: the other side took it and then forgot it.
  bool send_message(const Arrive& arrive, std::size_t bytes, const Arrive& swallowed = nullptr);
  void set_stalled(bool stalled);  ///< nothing arrives until it is lifted; nothing is lost either
  void close();                    ///< everything in transit is lost
  void reset(Arrive fin);          ///< everything in transit is lost; only `fin` arrives

 private:
  void arrive_next();
  void arrive_late(const Arrive& arrive);

  SimWorld& world_;
  Dice dice_;
  const LinkFaults& faults_;
  LinkCounts& counts_;
  std::deque<Arrive> in_order_;
  std::uint64_t events_due_ = 0;  ///< arrive_next events on their way
  std::uint64_t life_ = 0;        ///< counts closes: events of an earlier life do nothing
  rt::Nanos last_arrival_{0};
  std::uint64_t rate_ = 0;
  rt::Nanos busy_until_{0};
  bool stalled_ = false;
};

}  // namespace fieldpost::sim
