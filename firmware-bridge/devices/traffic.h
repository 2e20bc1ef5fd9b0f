#pragma once

#include <cstdint>
#include <deque>

#include "firmware-bridge/protocols/protocol.h"
#include "proto/rt/time.h"

namespace fieldpost::bridge {

/// What came of a board, in all or in some time.
struct Traffic {
  ProtocolCounts counts;
  std::uint64_t readings = 0;
  std::uint64_t measured = 0;  ///< pieces of the stream, or messages, that had readings
};
/// Of totals: what came between `earlier` and `later`.
[[nodiscard]] Traffic operator-(const Traffic& later, const Traffic& earlier);

/// Remembers a few totals of the past, so that one can tell what came lately.
class RecentTraffic {
 public:
  static constexpr int kMarksPerWindow = 12;
  static constexpr std::size_t kMarksMax = kMarksPerWindow + 3;

  /// `window`: how long what came counts as lately; at most a twelfth longer.
  explicit RecentTraffic(rt::Nanos window) : window_(window) {}
  /// Lately begins now.
  void restart(rt::Instant now, const Traffic& total);
  /// To be called at least kMarksPerWindow times a window, or else once a second.
  void mark(rt::Instant now, const Traffic& total);
  /// Since the window began, or `restart` if that was later.
  [[nodiscard]] Traffic until(const Traffic& total) const;
  [[nodiscard]] std::size_t marks() const { return marks_.size(); }

 private:
  struct Mark {
    rt::Instant at;
    Traffic total;
  };
  rt::Nanos window_;
  std::deque<Mark> marks_;
};

}  // namespace fieldpost::bridge
