#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace fieldpost::rt {

using Nanos = std::chrono::nanoseconds;
using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

/// A point on the monotonic clock of one boot (CLOCK_BOOTTIME: it goes on while the machine
/// sleeps).
struct Instant {
  Nanos since_boot{0};
  auto operator<=>(const Instant&) const = default;
  friend Instant operator+(Instant a, Nanos d) { return {a.since_boot + d}; }
  friend Nanos operator-(Instant a, Instant b) { return a.since_boot - b.since_boot; }
};

/// Wall-clock time, ns since 1970-01-01T00:00:00Z. Covers the years 1678 to 2262.
struct UnixTime {
  std::int64_t ns = 0;
  auto operator<=>(const UnixTime&) const = default;
  friend UnixTime operator+(UnixTime a, Nanos d) { return {a.ns + d.count()}; }
  friend Nanos operator-(UnixTime a, UnixTime b) { return Nanos{a.ns - b.ns}; }
};

}  // namespace fieldpost::rt
