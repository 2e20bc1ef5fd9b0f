#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/intake.h"
#include "proto/rt/clock.h"
#include "proto/rt/loop.h"
#include "proto/wire/batch_encoder.h"

namespace fieldpost::agent {

/// A producer that waits for its lines.
struct Waiter {
  std::size_t lines = 0;
  std::string idempotency_key;
  std::function<void(rt::Result<Accepted>)> done;
};

/// A batch that is closed: nothing is added to it any more.
struct ClosedBatch {
  wire::ReadingsBatch readings;
  std::vector<Waiter> waiters;  ///< empty: sampled
  bool durable = false;
  std::size_t count = 0;  ///< readings
};

struct BatcherOptions {
  rt::Nanos window = rt::Millis(100);        ///< a sampled batch closes at this age
  rt::Nanos linger = rt::Millis(2);          ///< a durable one waits this long for company
  std::size_t readings_max = 32'768;         ///< … or at this many readings
  std::size_t string_bytes_max = 64 * 1024;  ///< … or at this much text
};

/// Gathers readings until a batch is worth a record. Durable batches close as soon as the one
/// before is under way (producers share commits), sampled ones by age. Loop thread.
class Batcher {
 public:
  using OnClosed = std::function<void(ClosedBatch)>;
  Batcher(rt::Loop& loop, const rt::WallClock& clock, BatcherOptions options, OnClosed on_closed);
  ~Batcher();

  void add_sampled(wire::ParsedLines lines);
  void add_durable(wire::ParsedLines lines, Waiter waiter);
  /// How old a sampled batch gets; longer while there is no link, since nobody would see it sooner.
  /// The one that is open goes by the new window if that ends sooner.
  void set_window(rt::Nanos window);
  /// A durable batch went to disk, or failed: the next may close.
  void on_durable_done();
  [[nodiscard]] std::size_t waiting_readings() const { return waiting_readings_; }

 private:
  struct Open {
    ClosedBatch batch;
    std::size_t string_bytes = 0;
    rt::TimerId timer = rt::TimerId::kNone;
  };
  void add(Open& open, wire::ParsedLines lines, std::optional<Waiter> waiter);
  void gather(wire::ReadingsBatch& into, wire::ParsedLines lines) const;
  void on_timer(Open& open);
  void close(Open& open);

  rt::Loop& loop_;
  const rt::WallClock& clock_;
  BatcherOptions options_;
  OnClosed on_closed_;
  Open sampled_;
  Open durable_;
  int durable_under_way_ = 0;
  std::size_t waiting_readings_ = 0;
};

/// Wall clock, monotonic clock, boot and synchronisation, now.
[[nodiscard]] wire::Clock clock_now(const rt::Loop& loop, const rt::WallClock& clock);

}  // namespace fieldpost::agent
