#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "coordinator/http/views.h"
#include "coordinator/ingest/ingest.h"

namespace fieldpost::coordinator {

/// Hands committed readings to whoever watches their series. Costs nothing for series that nobody
/// watches. Loop thread.
class LiveFeed {
 public:
  using OnReadings = std::function<void(const std::vector<LiveReading>&)>;

  /// Returns an id for `unwatch`.
  std::uint64_t watch(const std::vector<SeriesId>& series, OnReadings on_readings);
  void unwatch(std::uint64_t id);
  void publish(const StoredReadings& stored);
  [[nodiscard]] std::size_t watchers() const { return watchers_.size(); }

 private:
  struct Watcher {
    std::vector<SeriesId> series;
    OnReadings on_readings;
  };
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, Watcher> watchers_;
  std::unordered_map<SeriesId, std::vector<std::uint64_t>> by_series_;
};

}  // namespace fieldpost::coordinator
