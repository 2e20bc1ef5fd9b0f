#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "proto/rt/time.h"

namespace fieldpost::agent {

/// How many bytes the link to the broker should hold: as many as it carries in its round trip and
/// kQueueDelay, so that it never runs dry and a live record never waits behind seconds of backlog.
/// What is handed to the MQTT library cannot be overtaken any more. Rate and round trip are
/// measured by PUBACKs. Plain state of one connection; loop thread.
class LinkWindow {
 public:
  static constexpr rt::Nanos kQueueDelay = rt::Millis(200);
  static constexpr std::uint64_t kFirstBytes = 32 * 1024;  ///< before anything was measured

  void reset() { *this = LinkWindow(); }  ///< a fresh connection
  /// `more_waits`: other records could have gone in its place; then it is the link that is measured
  /// and not its use.
  void on_published(std::uint64_t token, std::uint64_t bytes, bool more_waits, rt::Instant now);
  void on_puback(std::uint64_t token, rt::Instant now);

  /// One message may go, whatever its size. Of the message that is on the link now, what the link
  /// will have carried by its rate counts as gone.
  [[nodiscard]] bool has_room(rt::Instant now) const { return remaining(now) < bytes(); }
  /// How long until there is room if no PUBACK comes before; nullopt: only a PUBACK makes some.
  [[nodiscard]] std::optional<rt::Nanos> time_to_room(rt::Instant now) const;
  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] std::uint64_t unacked() const { return unacked_; }
  [[nodiscard]] double bytes_per_second() const;  ///< 0: not known

 private:
  struct Sent {
    std::uint64_t bytes = 0;
    rt::Instant at;
    bool alone = false;  ///< the link was empty
    bool more_waits = false;
    std::uint64_t acked_before = 0;
    rt::Instant acked_before_at;
  };
  [[nodiscard]] std::uint64_t remaining(rt::Instant now) const;
  [[nodiscard]] rt::Instant on_the_link_since() const;
  void note_rate(double rate, bool of_the_link, rt::Instant now);

  std::map<std::uint64_t, Sent> sent_;  ///< by token
  std::uint64_t unacked_ = 0;
  std::uint64_t acked_ = 0;
  rt::Instant acked_at_;
  std::optional<rt::Nanos> round_trip_;  ///< the shortest
  bool measured_ = false;                ///< by messages that had others behind them
  double best_ = 0, best_before_ = 0;    ///< rates of this span and the one before
  rt::Instant span_began_;
};

}  // namespace fieldpost::agent
