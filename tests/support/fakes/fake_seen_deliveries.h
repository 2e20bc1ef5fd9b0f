#pragma once

#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coordinator/triggers/hooks/seen_deliveries.h"

namespace fieldpost::sim {

/// Remembers in memory, within the bounds; fails when the test says so.
class FakeSeenDeliveries final : public coordinator::SeenDeliveries {
 public:
  std::optional<rt::Error> failure;

  rt::Result<bool> has(const std::string& key, rt::UnixTime now) override {
    if (failure) return *failure;
    const auto found = times_.find(key);
    return found != times_.end() && now - found->second <= kKeptFor;
  }

  rt::Status remember(const std::vector<std::string>& keys, rt::UnixTime now) override {
    if (failure) return *failure;
    for (const std::string& key : keys) {
      const auto known = has(key, now);
      if (*known) continue;
      times_[key] = now;
      order_.emplace_back(key, now);
    }
    while (order_.size() > kKeysMax) drop_oldest();
    while (!order_.empty() && now - order_.front().second > kKeptFor) drop_oldest();
    return rt::ok();
  }

  [[nodiscard]] std::size_t size() const { return times_.size(); }

 private:
  /// A key that was forgotten and came again stands there twice.
  void drop_oldest() {
    const auto& [key, time] = order_.front();
    const auto found = times_.find(key);
    if (found != times_.end() && found->second == time) times_.erase(found);
    order_.pop_front();
  }

  std::unordered_map<std::string, rt::UnixTime> times_;
  std::deque<std::pair<std::string, rt::UnixTime>> order_;
};

}  // namespace fieldpost::sim
