#include "tests/support/sim/sim_broker.h"

#include <algorithm>
#include <utility>

#include "tests/support/sim/sim_mqtt.h"

namespace fieldpost::sim {

namespace {

std::string_view take_level(std::string_view& rest, bool& more) {
  const auto slash = rest.find('/');
  const std::string_view level = rest.substr(0, slash);
  more = slash != std::string_view::npos;
  rest = more ? rest.substr(slash + 1) : std::string_view{};
  return level;
}

}  // namespace

bool filter_matches(std::string_view filter, std::string_view topic) {
  if (topic.starts_with('$') && !filter.starts_with('$')) return false;
  bool filter_more = true;
  bool topic_more = true;
  while (filter_more) {
    const std::string_view level = take_level(filter, filter_more);
    if (level == "#") return true;
    if (!topic_more) return false;
    const std::string_view name = take_level(topic, topic_more);
    if (level != "+" && level != name) return false;
    // "a/#" takes "a" too
    if (!topic_more && filter_more) return filter == "#";
  }
  return !topic_more;
}

SimBroker::~SimBroker() {
  // What is in transit keeps its connection alive, and the connection its pipes.
  for (const auto& known : all_) {
    const SimConnectionPtr connection = known.lock();
    if (!connection) continue;
    connection->up->close();
    connection->down->close();
  }
}

SimConnectionPtr SimBroker::open(SimMqtt& client, const rt::MqttOptions& options) {
  auto connection = std::make_shared<SimConnection>();
  connection->options = options;
  connection->client = &client;
  connection->up = std::make_shared<SimPipe>(world_, dice_.fork(), faults_, counts_);
  connection->down = std::make_shared<SimPipe>(world_, dice_.fork(), faults_, counts_);
  if (const auto rate = rates_.find(options.client_id); rate != rates_.end()) {
    connection->up->set_rate(rate->second);
  }
  std::erase_if(all_, [](const auto& known) { return known.expired(); });
  all_.push_back(connection);
  refresh_stall(connection);
  connection->up->send_control([this, connection] { take_connect(connection); });
  return connection;
}

void SimBroker::take_connect(const SimConnectionPtr& connection) {
  const std::string& id = connection->options.client_id;
  world_.note("connect " + id);
  if (!running_ || link(id) == LinkState::kReset) return tear(connection, "connection refused");
  if (const auto old = sessions_.find(id); old != sessions_.end()) {
    const SimConnectionPtr taken_over = old->second;
    drop(taken_over, true);
    tear(taken_over, "session taken over");
  }
  connection->at_broker = true;
  sessions_[id] = connection;
  connection->down->send_control([connection, count = receive_maximum_] {
    if (connection->client != nullptr) connection->client->on_connack(connection, count);
  });
}

void SimBroker::client_publishes(const SimConnectionPtr& connection, const rt::MqttMessage& message,
                                 std::uint64_t token) {
  const auto acknowledge = [connection, token] {
    if (!connection->at_broker) return;
    connection->down->send_control([connection, token] {
      if (connection->client != nullptr) connection->client->on_puback(connection, token);
    });
  };
  const auto arrive = [this, connection, message, acknowledge] {
    acknowledge();
    if (connection->at_broker) take(connection->options.client_id, message);
  };
  const bool stands = connection->up->send_message(
      arrive, message.topic.size() + message.payload.size(), acknowledge);
  if (!stands) tear(connection, "connection reset by peer");
}

void SimBroker::take(const std::string& client_id, const rt::MqttMessage& message) {
  world_.note(message.topic);
  world_.note(message.payload);
  if (tap_ && !tap_(client_id, message)) return;
  if (message.retain) {
    if (message.payload.empty()) {
      retained_.erase(message.topic);
    } else {
      retained_[message.topic] = message.payload;
    }
  }
  std::vector<SimConnectionPtr> takers;  // a broken link changes the map
  for (const auto& [id, connection] : sessions_) {
    const auto takes = [&](const std::string& f) { return filter_matches(f, message.topic); };
    if (std::any_of(connection->filters.begin(), connection->filters.end(), takes)) {
      takers.push_back(connection);
    }
  }
  for (const SimConnectionPtr& connection : takers) {
    deliver(connection, {message.topic, message.payload, false});
  }
}

void SimBroker::deliver(const SimConnectionPtr& connection, const rt::MqttMessage& message) {
  const auto arrive = [connection, message] {
    if (connection->client != nullptr) connection->client->on_delivery(connection, message);
  };
  if (!connection->down->send_message(arrive, 0)) tear(connection, "connection reset by peer");
}

void SimBroker::client_subscribes(const SimConnectionPtr& connection, const std::string& filter) {
  connection->up->send_control([this, connection, filter] { subscribe(connection, filter); });
}

void SimBroker::subscribe(const SimConnectionPtr& connection, const std::string& filter) {
  if (!connection->at_broker) return;
  auto& filters = connection->filters;
  if (std::find(filters.begin(), filters.end(), filter) == filters.end()) filters.push_back(filter);
  for (const auto& [topic, payload] : retained_) {
    if (!filter_matches(filter, topic)) continue;
    // What a broker keeps it hands out with the subscription; it is never lost on its own.
    connection->down->send_control([connection, message = rt::MqttMessage{topic, payload, true}] {
      if (connection->client != nullptr) connection->client->on_delivery(connection, message);
    });
  }
}

void SimBroker::client_leaves(const SimConnectionPtr& connection, bool goodbye) {
  connection->down->close();
  // A connection that was never established leaves nothing behind on a dead link.
  if (!connection->at_broker && link(connection->options.client_id) == LinkState::kHalfOpen) {
    return connection->up->close();
  }
  connection->up->send_control([this, connection, goodbye] { drop(connection, !goodbye); });
}

void SimBroker::drop(const SimConnectionPtr& connection, bool will) {
  if (!std::exchange(connection->at_broker, false)) return;
  const auto found = sessions_.find(connection->options.client_id);
  if (found != sessions_.end() && found->second == connection) sessions_.erase(found);
  if (!will || !connection->options.will) return;
  wills_published_ += 1;
  take(connection->options.client_id, *connection->options.will);
}

/// Both sides learn, each in its own time, that the connection is gone.
void SimBroker::tear(const SimConnectionPtr& connection, const std::string& why) {
  connection->down->reset([connection, why] {
    if (connection->client != nullptr) connection->client->on_lost(connection, why);
  });
  connection->up->reset([this, connection] { drop(connection, true); });
}

void SimBroker::refresh_stall(const SimConnectionPtr& connection) {
  const bool half_open = link(connection->options.client_id) == LinkState::kHalfOpen;
  const bool stalled = half_open || frozen_;
  connection->up->set_stalled(stalled);
  connection->down->set_stalled(stalled);
  if (stalled == connection->stalled) return;
  connection->stalled = stalled;
  connection->stalls += 1;
  if (!stalled) return;
  const rt::Nanos keepalive = connection->options.keepalive;
  const rt::Nanos client_after = dice_.between(keepalive * 3 / 2, keepalive * 5 / 2);
  world_.schedule(client_after, [connection, stall = connection->stalls] {
    if (connection->stalls != stall || connection->client == nullptr) return;
    connection->client->on_lost(connection, "keepalive timed out");
  });
  world_.schedule(keepalive * 3 / 2, [this, connection, stall = connection->stalls] {
    if (connection->stalls != stall || frozen_) return;
    drop(connection, true);
    tear(connection, "connection reset by peer");
  });
}

void SimBroker::set_link(const std::string& client_id, LinkState state) {
  world_.note("link of " + client_id);
  links_[client_id] = state;
  for (const SimConnectionPtr& connection : connections_of(client_id)) {
    refresh_stall(connection);
    if (state == LinkState::kReset) tear(connection, "connection reset by peer");
  }
}

void SimBroker::set_rate(const std::string& client_id, std::uint64_t bytes_per_second) {
  rates_[client_id] = bytes_per_second;
  for (const SimConnectionPtr& connection : connections_of(client_id)) {
    connection->up->set_rate(bytes_per_second);
  }
}

void SimBroker::break_connection(const std::string& client_id) {
  for (const SimConnectionPtr& connection : connections_of(client_id)) {
    tear(connection, "connection reset by peer");
  }
}

void SimBroker::lose_power(const std::string& client_id) {
  for (const SimConnectionPtr& connection : connections_of(client_id)) {
    if (connection->client != nullptr) connection->client->lose_power();
    connection->client = nullptr;
    connection->down->close();
    connection->up->close();
    world_.schedule(connection->options.keepalive * 3 / 2,
                    [this, connection] { drop(connection, true); });
  }
}

void SimBroker::set_frozen(bool frozen) {
  frozen_ = frozen;
  for (const SimConnectionPtr& connection : connections_of("")) refresh_stall(connection);
}

void SimBroker::crash(Retained retained) {
  world_.note("broker crashes");
  running_ = false;
  frozen_ = false;
  for (const SimConnectionPtr& connection : connections_of("")) {
    refresh_stall(connection);
    connection->at_broker = false;
    tear(connection, "connection reset by peer");
  }
  sessions_.clear();
  if (retained == Retained::kWiped) retained_.clear();
}

void SimBroker::calm() {
  faults_ = {};
  const auto links = std::exchange(links_, {});
  for (const auto& [id, state] : links) set_link(id, LinkState::kUp);
  thaw();
  start();
}

std::optional<std::string> SimBroker::retained(const std::string& topic) const {
  const auto found = retained_.find(topic);
  if (found == retained_.end()) return std::nullopt;
  return found->second;
}

bool SimBroker::connected(const std::string& client_id) const {
  return sessions_.contains(client_id);
}

LinkState SimBroker::link(const std::string& client_id) const {
  const auto found = links_.find(client_id);
  return found == links_.end() ? LinkState::kUp : found->second;
}

/// Of all clients for an empty id; also those still connecting, or gone on one side only.
std::vector<SimConnectionPtr> SimBroker::connections_of(const std::string& client_id) {
  std::vector<SimConnectionPtr> found;
  for (const auto& known : all_) {
    auto connection = known.lock();
    if (!connection) continue;
    const bool live = connection->at_broker || connection->client != nullptr;
    const bool asked = client_id.empty() || connection->options.client_id == client_id;
    if (live && asked) found.push_back(std::move(connection));
  }
  return found;
}

}  // namespace fieldpost::sim
