#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "proto/wire/limits.h"

namespace fieldpost::coordinator {

struct CreditOptions {
  std::uint64_t pool_bytes = 256ull << 20;  ///< of all lanes but event
  std::uint64_t event_pool_bytes = 256ull << 20;
  std::uint64_t node_bytes_max = 1 << 20;  ///< bounded by the broker's and Paho's windows
};

struct Credit {
  std::uint64_t bytes = 0;
  std::uint64_t event_bytes = 0;
};

/// Shares of what may be in flight: the sum of what is granted never exceeds the pools [credit-2].
class CreditPool {
 public:
  explicit CreditPool(CreditOptions options) : options_(options) {}

  /// A fresh lease for the node, in place of the one it had. No bytes when the pool is used up;
  /// never less than one envelope otherwise.
  Credit grant(const std::string& node) {
    release(node);
    Credit credit;
    const std::uint64_t left = options_.pool_bytes - granted_;
    if (left >= wire::kEnvelopeBytesMax) credit.bytes = std::min(left, options_.node_bytes_max);
    const std::uint64_t event_left = options_.event_pool_bytes - event_granted_;
    if (event_left >= wire::kEnvelopeBytesMax) credit.event_bytes = wire::kEnvelopeBytesMax;
    granted_ += credit.bytes;
    event_granted_ += credit.event_bytes;
    leases_[node] = credit;
    return credit;
  }
  /// The node's lease, grown when it has none and there is room now.
  Credit current(const std::string& node) {
    const auto lease = leases_.find(node);
    if (lease == leases_.end() || lease->second.bytes == 0 || lease->second.event_bytes == 0) {
      return grant(node);
    }
    return lease->second;
  }
  void release(const std::string& node) {
    const auto lease = leases_.find(node);
    if (lease == leases_.end()) return;
    granted_ -= lease->second.bytes;
    event_granted_ -= lease->second.event_bytes;
    leases_.erase(lease);
  }
  [[nodiscard]] std::uint64_t granted() const { return granted_; }

 private:
  CreditOptions options_;
  std::unordered_map<std::string, Credit> leases_;
  std::uint64_t granted_ = 0;
  std::uint64_t event_granted_ = 0;
};

}  // namespace fieldpost::coordinator
