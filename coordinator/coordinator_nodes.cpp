// Who is there: states, sessions and their ends.
#include <algorithm>
#include <utility>

#include "coordinator/coordinator.h"
#include "coordinator/store/settled_nodes.h"

namespace fieldpost::coordinator {

using rt::ok;
using rt::Status;
using wire::TopicKind;

namespace {

constexpr rt::Nanos kSilenceMax = rt::Seconds(60);  ///< then a node's credit goes to others
/// Names with a state or a hello, of which anybody may make up more. A site has fewer nodes.
constexpr std::size_t kNodesMax = 10'000;
constexpr std::uint64_t kAgeMsMax = std::uint64_t{INT64_MAX} / 2'000'000;

/// All that the node accepted before has left it for good: what it holds was accepted later.
std::int64_t settled_until(const wire::NodeState& state, rt::UnixTime arrived) {
  const bool knows_time = state.clock.synchronised;
  const std::int64_t told = knows_time ? std::min(state.clock.wall.ns, arrived.ns) : arrived.ns;
  const auto age_ms = std::min<std::uint64_t>(state.oldest_age_ms, kAgeMsMax);
  const auto age = state.records_held > 0 ? static_cast<std::int64_t>(age_ms) * 1'000'000 : 0;
  return std::max<std::int64_t>(told - age - kSettledMargin, 0);
}

}  // namespace

void Coordinator::on_state(const std::string& node, const rt::MqttMessage& message) {
  auto state = wire::decode_node_state(message.payload);
  if (!state) {
    counters_.undecodable += 1;
    return;
  }
  const rt::UnixTime now = clock_.now();
  if (!has_place(node)) return;
  if (!state->online) {  // the will knows nothing but that
    end_session(node);
    return set_online(node, false);
  }
  NodeLive& live = nodes_[node];
  set_online(node, true);
  if (!message.retain)
    live.clock_offset_s = std::chrono::duration<double>(state->clock.wall - now).count();
  const std::uint64_t ignored = live.state ? live.state->messages_ignored : 0;
  live.ignored_lately = state->messages_ignored - std::min(ignored, state->messages_ignored);
  // A retained state may be old: how far it had delivered then, it told then.
  if (!message.retain) live.settled_until = settled_until(*state, now);
  live.state = std::move(*state);
  live.state_at = now;
  if (!message.retain) keep_state(node);
}

void Coordinator::keep_state(const std::string& node) {
  const NodeLive& live = nodes_[node];
  if (!live.state) return;
  run_store([node, told = ToldState{*live.state, live.settled_until},
             now = clock_.now()](Store& store) { return store.note_state(node, told, now); },
            [this, node](Status status) {
              if (!status) log_.warning("noting the state of {}: {}", node, status.error().message);
              if (on_changed_) on_changed_(node, {});
            });
}

void Coordinator::note_heard(const std::string& node) {
  const rt::Instant now = loop_.now();
  if (const auto live = nodes_.find(node); live != nodes_.end()) live->second.last_heard = now;
  const auto session = sessions_.find(node);
  if (session != sessions_.end()) session->second.last_heard = now;
}

void Coordinator::set_online(const std::string& node, bool online) {
  NodeLive& live = nodes_[node];
  live.last_heard = loop_.now();
  if (std::exchange(live.online, online) == online) return;
  log_.info("node {} is {}", node, online ? "online" : "offline");
  if (on_changed_) on_changed_(node, {});
}

/// Without the broker nobody can say who is there: their retained states will, when it is back.
void Coordinator::set_all_offline() {
  for (auto& [node, live] : nodes_) {
    if (std::exchange(live.online, false) && on_changed_) on_changed_(node, {});
  }
}

void Coordinator::forget_silent() {
  const rt::Instant now = loop_.now();
  std::vector<std::string> silent;
  for (const auto& [node, session] : sessions_) {
    if (now - session.last_heard > kSilenceMax) silent.push_back(node);
  }
  for (const std::string& node : silent) {
    log_.info("node {} is silent: its credit is free for others", node);
    end_session(node);
  }
  for (auto& [node, live] : nodes_) {
    if (live.online && now - live.last_heard > kSilenceMax) set_online(node, false);
  }
}

bool Coordinator::has_place(const std::string& node) {
  const bool is_there = nodes_.contains(node) || sessions_.contains(node);
  if (is_there || std::max(nodes_.size(), sessions_.size()) < kNodesMax) return true;
  counters_.turned_away += 1;
  return false;
}

void Coordinator::end_session(const std::string& node) {
  credit_.release(node);
  hellos_.forget(node);
  sessions_.erase(node);
}

void Coordinator::note_refused_numbers(const std::string& node, int count) {
  if (count == 0) return;
  counters_.numbers_refused += static_cast<std::uint64_t>(count);
  nodes_[node].numbers_refused += static_cast<std::uint64_t>(count);
  log_.warning("node {} states {} ordinals or command marks that no coordinator gives: ignored",
               node, count);
}

}  // namespace fieldpost::coordinator
