#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proto/rt/time.h"

namespace fieldpost::coordinator {

/// What may be on its way from all nodes at once. The broker must be able to queue the sum of both
/// pools for the coordinator: max_queued_bytes in systemd/mosquitto.conf and mosquitto-site.conf,
/// which a test holds to these defaults.
struct CreditOptions {
  std::uint64_t pool_bytes = 256ull << 20;        ///< of all lanes but event: 1,024 envelopes
  std::uint64_t event_pool_bytes = 256ull << 20;  ///< an envelope each of 1,024 nodes
  std::uint64_t node_bytes_max = 1 << 20;         ///< bounded by the broker's and Paho's windows
};

struct Credit {
  std::uint64_t bytes = 0;
  std::uint64_t event_bytes = 0;
};

/// Leases out of one pool. Each node's share shrinks with the number of nodes down to one envelope;
/// when that is still too much, nodes take turns: whoever was just heard gives its lease up and
/// waits for another, after those that asked by a hello, and whoever was not heard for kLeaseIdle
/// loses it until it asks again [credit-3].
class LeasePool {
 public:
  static constexpr rt::Nanos kLeaseIdle = rt::Seconds(1);

  LeasePool(std::uint64_t pool_bytes, std::uint64_t node_bytes_max)
      : pool_(pool_bytes), node_max_(node_bytes_max) {}
  LeasePool(const LeasePool&) = delete;
  LeasePool& operator=(const LeasePool&) = delete;

  /// A fresh lease in place of the one it had. 0: nothing is free, the node is in the queue.
  std::uint64_t grant(const std::string& node, rt::Instant now);
  /// The lease of a node that was just heard, after it took its share or gave up its turn.
  std::uint64_t renew(const std::string& node, rt::Instant now);
  /// It uses its lease: what it sent is not settled yet.
  void touch(const std::string& node, rt::Instant now);
  void release(const std::string& node);
  /// While somebody waits: takes back what nobody uses and gives it to the queue. Appends the nodes
  /// whose lease changed; they must be told.
  void balance(rt::Instant now, std::vector<std::string>& changed);

  [[nodiscard]] std::uint64_t lease(const std::string& node) const;
  [[nodiscard]] std::uint64_t granted() const { return granted_; }  ///< never above the pool
  [[nodiscard]] std::size_t waiting() const { return asked_.size() + yielded_.size(); }

 private:
  using Queue = std::deque<std::string>;
  struct Lease {
    std::uint64_t bytes = 0;
    Queue* waits_in = nullptr;
    rt::Instant heard;
  };
  std::uint64_t give(const std::string& node, Lease& lease, Queue& queue);
  [[nodiscard]] std::uint64_t share() const;
  [[nodiscard]] bool has_room() const;
  void set(Lease& lease, std::uint64_t bytes);
  void put(const std::string& node, Lease& lease, Queue* queue);

  std::uint64_t pool_;
  std::uint64_t node_max_;
  std::uint64_t granted_ = 0;
  std::map<std::string, Lease> leases_;  ///< of every welcomed node
  Queue asked_;                          ///< said hello when nothing was free: served first
  Queue yielded_;                        ///< had their turn, and may have no more to send
};

/// The credit of all nodes: one pool for the events, one for the other lanes [credit-1]. What is
/// granted never exceeds them [credit-2]. Plain state; loop thread.
class CreditPool {
 public:
  explicit CreditPool(const CreditOptions& options);
  CreditPool(const CreditPool&) = delete;
  CreditPool& operator=(const CreditPool&) = delete;

  /// As LeasePool, in both pools.
  Credit grant(const std::string& node, rt::Instant now);
  Credit renew(const std::string& node, rt::Instant now);
  void touch(const std::string& node, rt::Instant now);
  void release(const std::string& node);
  /// Whom to tell, and what.
  [[nodiscard]] std::vector<std::pair<std::string, Credit>> balance(rt::Instant now);

  [[nodiscard]] Credit granted() const { return {others_.granted(), events_.granted()}; }

 private:
  LeasePool others_;
  LeasePool events_;
};

}  // namespace fieldpost::coordinator
