#include "agent/uplink/outbox.h"

#include <algorithm>
#include <utility>

namespace fieldpost::agent {

using wire::Lane;

void Outbox::clear() {
  for (Queue& each : queues_) each = {};
  virtual_now_ = 0;
  queued_.clear();
  in_flight_.clear();
  tokens_.clear();
  in_flight_bytes_ = event_bytes_ = 0;
  credit_ = event_credit_ = 0;
}

void Outbox::set_credit(std::uint64_t bytes, std::uint64_t event_bytes) {
  credit_ = bytes;
  event_credit_ = event_bytes;
}

bool Outbox::has(const wire::Name& name) const {
  return queued_.contains(name) || in_flight_.contains(name);
}

std::size_t Outbox::queued_bytes(Lane lane) const {
  return queues_[static_cast<std::size_t>(lane)].bytes;
}

bool Outbox::offer(Outgoing item) {
  Queue& target = queue(item.lane);
  if (target.bytes >= kQueueBytesMax || has(item.record.name)) return false;
  // A lane that was idle does not claim the time it did not use.
  if (target.items.empty()) target.virtual_time = std::max(target.virtual_time, virtual_now_);
  target.bytes += item.record.body->size();
  target.items.push_back(std::move(item));
  enter(target.items.back());
  return true;
}

bool Outbox::is_waiting(const Outgoing& item) const {
  const auto found = queued_.find(item.record.name);
  return found != queued_.end() && found->second == &item;
}

void Outbox::drop_settled_heads() {
  for (Queue& each : queues_) {
    while (!each.items.empty() && !is_waiting(each.items.front())) {
      each.bytes -= each.items.front().record.body->size();
      each.items.pop_front();
    }
  }
}

Outbox::Queue* Outbox::fairest(rt::Instant now) {
  Queue* best = nullptr;
  for (const Lane lane : {Lane::kLive, Lane::kLog, Lane::kBackfill, Lane::kBulk}) {
    Queue& each = queue(lane);
    if (each.items.empty() || now < each.paused_until) continue;
    if (best == nullptr || each.virtual_time < best->virtual_time) best = &each;
  }
  return best;
}

Outgoing* Outbox::next(const SizeOf& envelope_bytes, bool has_room, rt::Instant now) {
  drop_settled_heads();
  Queue& events = queue(Lane::kEvent);
  if (!events.items.empty()) {
    Outgoing& first = events.items.front();
    if (event_bytes_ + envelope_bytes(first) <= event_credit_) return &first;
  }
  Queue* chosen = has_room ? fairest(now) : nullptr;
  if (chosen == nullptr) return nullptr;
  Outgoing& first = chosen->items.front();
  return in_flight_bytes_ + envelope_bytes(first) <= credit_ ? &first : nullptr;
}

void Outbox::on_published(Outgoing* item, std::size_t bytes, std::uint64_t token) {
  Queue& from = queue(item->lane);
  FP_CHECK(!from.items.empty() && &from.items.front() == item);
  Outgoing sent = std::move(*item);
  from.items.pop_front();
  from.bytes -= sent.record.body->size();
  if (sent.lane != Lane::kEvent) virtual_now_ = from.virtual_time;
  const std::uint32_t parts = shares_.parts[static_cast<std::size_t>(sent.lane)];
  if (parts > 0) from.virtual_time += static_cast<double>(bytes) / parts;
  queued_.erase(sent.record.name);
  sent.bytes = bytes;
  sent.taken.reset();
  sent.tries += 1;
  (sent.lane == Lane::kEvent ? event_bytes_ : in_flight_bytes_) += bytes;
  const wire::Name name = sent.record.name;
  in_flight_.emplace(name, std::move(sent));
  tokens_.emplace(token, name);
}

bool Outbox::on_puback(std::uint64_t token, rt::Instant now) {
  const auto name = tokens_.find(token);
  if (name == tokens_.end()) return false;
  const auto item = in_flight_.find(name->second);
  tokens_.erase(name);
  if (item == in_flight_.end()) return false;
  item->second.taken = now;
  return item->second.tries == 1;
}

void Outbox::release(const Outgoing& item) {
  (item.lane == Lane::kEvent ? event_bytes_ : in_flight_bytes_) -= item.bytes;
}

void Outbox::settle(const wire::NameRange& range,
                    const std::function<void(const Outgoing&)>& visit) {
  const wire::Name first{range.incarnation, range.seqs.first};
  const wire::Name last{range.incarnation, range.seqs.last};
  for (auto it = in_flight_.lower_bound(first); it != in_flight_.end() && it->first <= last;) {
    release(it->second);
    visit(it->second);
    it = in_flight_.erase(it);
  }
  // What is queued is dropped when it comes to the front.
  for (auto it = queued_.lower_bound(first); it != queued_.end() && it->first <= last;) {
    visit(*it->second);
    it = queued_.erase(it);
  }
}

void Outbox::requeue(const std::function<bool(const Outgoing&)>& wanted) {
  for (auto it = in_flight_.begin(); it != in_flight_.end();) {
    if (!wanted(it->second)) {
      ++it;
      continue;
    }
    release(it->second);
    Queue& target = queue(it->second.lane);
    target.bytes += it->second.record.body->size();
    if (it->second.lane == Lane::kBulk) {
      put_in_place(target, std::move(it->second));
    } else {
      target.items.push_front(std::move(it->second));
      enter(target.items.front());
    }
    it = in_flight_.erase(it);
  }
}

/// Before the first that came into the spool after it. Others know the items by their addresses,
/// which only the ends of a deque may change.
void Outbox::put_in_place(Queue& queue, Outgoing item) {
  std::vector<Outgoing> before;
  while (!queue.items.empty() && queue.items.front().record.no < item.record.no) {
    Outgoing& first = queue.items.front();
    if (is_waiting(first)) {
      before.push_back(std::move(first));
    } else {
      queue.bytes -= first.record.body->size();
    }
    queue.items.pop_front();
  }
  before.push_back(std::move(item));
  while (!before.empty()) {
    queue.items.push_front(std::move(before.back()));
    enter(queue.items.front());
    before.pop_back();
  }
}

bool Outbox::idle() const {
  return queued_.empty() && in_flight_.empty();
}

bool Outbox::starved() const {
  const auto waits = [this](Lane lane) { return queued_bytes(lane) > 0; };
  if (event_credit_ == 0 && event_bytes_ == 0 && waits(Lane::kEvent)) return true;
  if (credit_ > 0 || in_flight_bytes_ > 0) return false;
  return waits(Lane::kLive) || waits(Lane::kLog) || waits(Lane::kBackfill) || waits(Lane::kBulk);
}

}  // namespace fieldpost::agent
