#pragma once

#include <cstddef>
#include <cstdint>

namespace fieldpost::load {

/// Who writes what and when. Every `every_ns` each user is due to send one sample of each sensor;
/// the users' moments are spread over that time, unless they go in step.
///
/// A sample is numbered by tick, then user, then sensor; its number is its value, and a request's
/// samples are consecutive. Times count from the beginning of the play.
struct Plan {
  std::size_t users = 50;
  std::size_t sensors = 10;
  std::int64_t every_ns = 500'000'000;
  std::size_t ticks = 120;
  bool batched = false;  ///< a user's samples of one tick are one request, not one each
  bool in_step = false;

  [[nodiscard]] std::size_t samples_each() const { return batched ? sensors : 1; }
  [[nodiscard]] std::size_t requests_a_turn() const { return sensors / samples_each(); }
  /// One user at one tick; in the order in which they are due.
  [[nodiscard]] std::size_t turns() const { return ticks * users; }
  [[nodiscard]] std::size_t requests() const { return turns() * requests_a_turn(); }
  [[nodiscard]] std::size_t samples() const { return turns() * sensors; }
  [[nodiscard]] std::int64_t duration_ns() const {
    return every_ns * static_cast<std::int64_t>(ticks);
  }

  [[nodiscard]] std::int64_t due_ns(std::size_t turn) const {
    const auto own = static_cast<std::int64_t>(turn % users);
    const auto tick = static_cast<std::int64_t>(turn / users);
    const std::int64_t moment = every_ns * own / static_cast<std::int64_t>(users);
    return tick * every_ns + (in_step ? 0 : moment);
  }
  [[nodiscard]] std::size_t turn_of_request(std::size_t request) const {
    return request / requests_a_turn();
  }
  [[nodiscard]] std::size_t request_of_sample(std::size_t sample) const {
    return sample / samples_each();
  }
};

}  // namespace fieldpost::load
