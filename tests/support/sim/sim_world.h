#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "proto/rt/time.h"
#include "tests/support/sim/dice.h"

namespace fieldpost::sim {

enum class EventId : std::uint64_t { kNone = 0 };
/// Whoever events belong to: a daemon's loop, or the world (weather, broker, network).
enum class OwnerId : std::uint64_t { kWorld = 0 };

/// One virtual time line for any number of daemons, the broker and the weather. Everything is
/// decided by the seed: the same seed gives the same trace hash. Events of one instant run in the
/// order in which they were scheduled. One thread.
class SimWorld {
 public:
  explicit SimWorld(std::uint64_t seed) : seed_(seed) {}
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  [[nodiscard]] rt::Nanos now() const { return now_; }  ///< true time since the world began
  /// A stream of chance for `name`; asking again gives the next one, never the same one.
  [[nodiscard]] Dice dice(std::string_view name);

  [[nodiscard]] OwnerId add_owner() { return OwnerId{++owners_}; }
  EventId schedule(OwnerId owner, rt::Nanos delay, std::function<void()> task);
  /// Schedules weather: something that happens to the daemons.
  EventId schedule(rt::Nanos delay, std::function<void()> task) {
    return schedule(OwnerId::kWorld, delay, std::move(task));
  }
  void cancel(EventId event);
  void forget(OwnerId owner);  ///< drops all its events

  /// Adds up to `most` to each delay, drawn from the seed, so that timers of different daemons do
  /// not stay in step. Zero (the default) for none.
  void set_jitter(rt::Nanos most) { jitter_most_ = most; }

  bool step();  ///< runs the next event; false when there is none
  void run_for(rt::Nanos span);
  /// Runs until `condition` holds, tested after each event; false when `at_most` passed first.
  bool run_until(const std::function<bool()>& condition, rt::Nanos at_most);

  void note(std::string_view what);  ///< folds `what`, and the time, into the trace hash
  [[nodiscard]] std::uint64_t trace_hash() const { return trace_hash_; }
  [[nodiscard]] std::uint64_t events_run() const { return events_run_; }
  [[nodiscard]] std::size_t events_pending() const { return events_.size(); }

 private:
  using Key = std::pair<rt::Nanos, EventId>;
  struct Event {
    OwnerId owner;
    std::function<void()> task;
  };

  bool step_until(rt::Nanos end);

  std::uint64_t seed_;
  rt::Nanos now_{0};
  rt::Nanos jitter_most_{0};
  Dice jitter_{seed_};
  std::uint64_t owners_ = 0;
  std::uint64_t scheduled_ = 0;
  std::uint64_t events_run_ = 0;
  std::uint64_t events_this_instant_ = 0;
  std::uint64_t trace_hash_ = kFoldStart;
  std::map<Key, Event> events_;
  std::unordered_map<EventId, rt::Nanos> due_;
  std::map<std::string, std::uint64_t, std::less<>> dice_given_;
};

}  // namespace fieldpost::sim
