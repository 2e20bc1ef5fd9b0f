#include "coordinator/ingest/credit_pool.h"

#include <algorithm>

#include "proto/wire/limits.h"

namespace fieldpost::coordinator {

using wire::kEnvelopeBytesMax;

bool LeasePool::has_room() const {
  return pool_ - granted_ >= kEnvelopeBytesMax;
}

std::uint64_t LeasePool::share() const {
  const std::uint64_t even = pool_ / std::max<std::uint64_t>(leases_.size(), 1);
  return std::clamp<std::uint64_t>(even, kEnvelopeBytesMax,
                                   std::max<std::uint64_t>(node_max_, kEnvelopeBytesMax));
}

void LeasePool::set(Lease& lease, std::uint64_t bytes) {
  granted_ = granted_ - lease.bytes + bytes;
  lease.bytes = bytes;
}

/// Into this queue, out of the one it was in. Null: it waits no more.
void LeasePool::put(const std::string& node, Lease& lease, Queue* queue) {
  if (lease.waits_in == queue) return;
  if (lease.waits_in != nullptr) std::erase(*lease.waits_in, node);
  if (queue != nullptr) queue->push_back(node);
  lease.waits_in = queue;
}

std::uint64_t LeasePool::give(const std::string& node, Lease& lease, Queue& queue) {
  const bool others_wait = waiting() > (lease.waits_in != nullptr ? 1 : 0);
  const std::uint64_t free = pool_ - granted_ + lease.bytes;
  if ((lease.bytes == 0 && others_wait) || free < kEnvelopeBytesMax) {
    put(node, lease, &queue);
  } else {
    put(node, lease, nullptr);
    set(lease, std::min(share(), free));
  }
  return lease.bytes;
}

std::uint64_t LeasePool::grant(const std::string& node, rt::Instant now) {
  Lease& lease = leases_[node];
  lease.heard = now;
  set(lease, 0);
  return give(node, lease, asked_);
}

std::uint64_t LeasePool::renew(const std::string& node, rt::Instant now) {
  Lease& lease = leases_[node];
  lease.heard = now;
  const bool shares_do = has_room() || lease.bytes > kEnvelopeBytesMax;
  if (waiting() > 0 && !shares_do) set(lease, 0);  // the next one's turn
  return give(node, lease, lease.waits_in == &asked_ ? asked_ : yielded_);
}

void LeasePool::touch(const std::string& node, rt::Instant now) {
  if (const auto found = leases_.find(node); found != leases_.end()) found->second.heard = now;
}

void LeasePool::release(const std::string& node) {
  const auto found = leases_.find(node);
  if (found == leases_.end()) return;
  set(found->second, 0);
  put(node, found->second, nullptr);
  leases_.erase(found);
}

void LeasePool::balance(rt::Instant now, std::vector<std::string>& changed) {
  const std::uint64_t wanted = std::min(waiting() * kEnvelopeBytesMax, pool_);
  for (auto& [node, lease] : leases_) {
    if (pool_ - granted_ >= wanted) break;
    if (lease.bytes == 0 || now - lease.heard < kLeaseIdle) continue;
    set(lease, lease.bytes > share() ? share() : 0);
    changed.push_back(node);
  }
  while (waiting() > 0 && has_room()) {
    const std::string node = (asked_.empty() ? yielded_ : asked_).front();
    Lease& lease = leases_.at(node);
    lease.heard = now;
    put(node, lease, nullptr);
    set(lease, std::min(share(), pool_ - granted_));
    changed.push_back(node);
  }
}

std::uint64_t LeasePool::lease(const std::string& node) const {
  const auto found = leases_.find(node);
  return found == leases_.end() ? 0 : found->second.bytes;
}

CreditPool::CreditPool(const CreditOptions& options)
    : others_(options.pool_bytes, options.node_bytes_max),
      events_(options.event_pool_bytes, kEnvelopeBytesMax) {}

Credit CreditPool::grant(const std::string& node, rt::Instant now) {
  return {others_.grant(node, now), events_.grant(node, now)};
}

Credit CreditPool::renew(const std::string& node, rt::Instant now) {
  return {others_.renew(node, now), events_.renew(node, now)};
}

void CreditPool::touch(const std::string& node, rt::Instant now) {
  others_.touch(node, now);
  events_.touch(node, now);
}

void CreditPool::release(const std::string& node) {
  others_.release(node);
  events_.release(node);
}

std::vector<std::pair<std::string, Credit>> CreditPool::balance(rt::Instant now) {
  std::vector<std::string> changed;
  others_.balance(now, changed);
  events_.balance(now, changed);
  std::sort(changed.begin(), changed.end());
  changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
  std::vector<std::pair<std::string, Credit>> out;
  for (std::string& node : changed) {
    const Credit credit{others_.lease(node), events_.lease(node)};
    out.emplace_back(std::move(node), credit);
  }
  return out;
}

}  // namespace fieldpost::coordinator
