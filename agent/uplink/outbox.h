#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "agent/spool/spool_record.h"
#include "proto/rt/time.h"
#include "proto/wire/ids.h"

namespace fieldpost::agent {

/// Shares of the link, in parts; `event` goes before all and has a credit of its own.
struct LaneShares {
  std::array<std::uint32_t, wire::kLaneCount> parts = {0, 70, 20, 30, 10};  ///< by Lane
};

/// A record on its way: queued, or published and not settled.
struct Outgoing {
  SpoolRecord record;
  wire::Lane lane = wire::Lane::kLive;
  bool replay = false;
  int tries = 0;
  std::optional<rt::Instant> taken;  ///< when the broker took it (PUBACK); none: still on the link
  std::size_t bytes = 0;             ///< of the envelope that was published
};

/// What waits to be published in this session and what is in flight, with lanes, shares and credit
/// ([credit-1]). Bounded by kQueueBytesMax a lane and by the credit. Plain state; loop thread.
class Outbox {
 public:
  static constexpr std::size_t kQueueBytesMax = 4 << 20;  ///< of bodies waiting in one lane

  explicit Outbox(LaneShares shares) : shares_(shares) {}

  /// A new session begins with nothing known.
  void clear();
  void set_credit(std::uint64_t bytes, std::uint64_t event_bytes);

  /// false: the lane is full, or the name is here already; the record stays where it was.
  bool offer(Outgoing item);
  [[nodiscard]] bool has(const wire::Name& name) const;
  [[nodiscard]] std::size_t queued_bytes(wire::Lane lane) const;

  /// The next record that fits the credit, still queued; null: none. `envelope_bytes` estimates the
  /// size of its envelope. Without room on the link (`has_room`) only events go.
  using SizeOf = std::function<std::size_t(const Outgoing&)>;
  [[nodiscard]] Outgoing* next(const SizeOf& envelope_bytes, bool has_room, rt::Instant now);
  /// Nothing of this lane comes next before then.
  void pause(wire::Lane lane, rt::Instant until) { queue(lane).paused_until = until; }
  /// `next()`'s record was published with so many bytes.
  void on_published(Outgoing* item, std::size_t bytes, std::uint64_t token);
  /// The broker has taken what was published with this token. Returns whether that was the record's
  /// first time: the link moves.
  bool on_puback(std::uint64_t token, rt::Instant now);

  /// Forgets the names of the range, queued (for the first time, or again) or in flight, and gives
  /// their credit back. Calls `visit` for each that was here.
  void settle(const wire::NameRange& range, const std::function<void(const Outgoing&)>& visit);
  /// Queues what `wanted` says again, first in its lane; in `bulk`, which keeps the order of the
  /// spool, in its place.
  void requeue(const std::function<bool(const Outgoing&)>& wanted);

  [[nodiscard]] bool idle() const;  ///< nothing queued, nothing in flight
  /// Something is queued that only a new lease can set free: its pool gives no credit, and nothing
  /// is in flight whose receipt could bring some.
  [[nodiscard]] bool starved() const;
  [[nodiscard]] std::size_t queued() const { return queued_.size(); }
  [[nodiscard]] std::size_t in_flight() const { return in_flight_.size(); }
  [[nodiscard]] std::uint64_t bytes_in_flight() const { return in_flight_bytes_ + event_bytes_; }

 private:
  struct Queue {
    std::deque<Outgoing> items;
    std::size_t bytes = 0;
    double virtual_time = 0;  ///< bytes sent over share: the smallest goes next
    rt::Instant paused_until;
  };
  [[nodiscard]] Queue& queue(wire::Lane lane) { return queues_[static_cast<std::size_t>(lane)]; }
  void enter(const Outgoing& item) { queued_[item.record.name] = &item; }
  [[nodiscard]] bool is_waiting(const Outgoing& item) const;  ///< or it was settled meanwhile
  void put_in_place(Queue& queue, Outgoing item);
  void drop_settled_heads();
  [[nodiscard]] Queue* fairest(rt::Instant now);
  void release(const Outgoing& item);

  LaneShares shares_;
  std::array<Queue, wire::kLaneCount> queues_;
  double virtual_now_ = 0;  ///< of the lane that was served last, before it was
  std::map<wire::Name, const Outgoing*> queued_;  ///< in a queue; what is not here was settled
  std::map<wire::Name, Outgoing> in_flight_;
  std::map<std::uint64_t, wire::Name> tokens_;  ///< of those in flight that have no PUBACK
  std::uint64_t in_flight_bytes_ = 0;           ///< of all lanes but event
  std::uint64_t event_bytes_ = 0;
  std::uint64_t credit_ = 0;
  std::uint64_t event_credit_ = 0;
};

}  // namespace fieldpost::agent
