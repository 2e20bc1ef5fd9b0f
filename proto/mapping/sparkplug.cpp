#include "proto/mapping/sparkplug.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace fieldpost::mapping {
namespace {

/// What a node, a device or a metric costs beside its names.
constexpr std::size_t kEntryBytes = 128;
constexpr std::uint64_t kTimeMsMax = 9'223'372'036'854;  // the year 2262

bool is_birth(std::string_view type) {
  return type == "NBIRTH" || type == "DBIRTH";
}
bool is_data(std::string_view type) {
  return type == "NDATA" || type == "DDATA";
}
/// Metrics that steer Sparkplug itself.
bool is_control(std::string_view name) {
  return name == "bdSeq" || name.starts_with("Node Control/") ||
         name.starts_with("Device Control/");
}

}  // namespace

std::optional<Sparkplug::Address> Sparkplug::parse_topic(std::string_view topic) {
  std::array<std::string_view, 5> levels{};
  std::size_t count = 0;
  while (count < levels.size()) {
    const std::size_t slash = topic.find('/');
    levels[count++] = topic.substr(0, slash);
    if (slash == std::string_view::npos) break;
    topic.remove_prefix(slash + 1);
    if (count == levels.size()) return std::nullopt;
  }
  if (count < 4 || levels[0] != "spBv1.0") return std::nullopt;
  return Address{levels[1], levels[2], levels[3], levels[4]};
}

rt::Result<std::optional<std::string>> Sparkplug::take(const Message& message,
                                                       ReadingsBuilder& builder) {
  const auto address = parse_topic(message.topic);
  if (!address) return std::optional<std::string>{};
  const bool death = address->type == "NDEATH" || address->type == "DDEATH";
  if (!death && !is_birth(address->type) && !is_data(address->type)) {
    return std::optional<std::string>{};  // commands and host states
  }
  const auto payload = decode_sparkplug(message.payload);
  if (!payload) return payload.error();
  const std::string id = fmt::format("{}/{}", address->group, address->node);
  if (death && !nodes_.contains(id)) return std::optional<std::string>{};
  Node* const found = find_or_add(id, message.now);
  if (found == nullptr) {
    return rt::Error{rt::Errc::kFull, fmt::format("more than {} edge nodes, or {} bytes of names",
                                                  kNodesMax, kBytesMax)};
  }
  Node& node = *found;
  node.heard = message.now;
  node.dead = address->type == "NDEATH" || (node.dead && death);
  bool complete = follow_seq(node, *address, *payload);
  if (is_birth(address->type)) birth(node, *address, *payload, message.now);
  if (!death) complete = add_metrics(node, *address, *payload, message, builder) && complete;
  if (complete || (node.asked && message.now - *node.asked < kRebirthPause)) {
    return std::optional<std::string>{};
  }
  node.asked = message.now;
  return std::optional(fmt::format("spBv1.0/{}/NCMD/{}", address->group, address->node));
}

/// Null: there is no room for another one.
Sparkplug::Node* Sparkplug::find_or_add(const std::string& id, rt::Instant now) {
  if (const auto known = nodes_.find(id); known != nodes_.end()) return &known->second;
  if (nodes_.size() == kNodesMax && !forget_one(now)) return nullptr;
  Node node;
  if (!take_bytes(node, id.size() + kEntryBytes, now)) return nullptr;
  return &nodes_.emplace(id, std::move(node)).first->second;
}

bool Sparkplug::take_bytes(Node& node, std::size_t bytes, rt::Instant now) {
  if (node.bytes + bytes > kNodeBytesMax) return false;
  while (bytes_ + bytes > kBytesMax) {
    if (!forget_one(now)) return false;
  }
  node.bytes += bytes;
  bytes_ += bytes;
  return true;
}

void Sparkplug::release(Node& node, std::size_t bytes) {
  node.bytes -= bytes;
  bytes_ -= bytes;
}

/// A dead node first, the one heard longest ago. Never the one whose message is at hand.
bool Sparkplug::forget_one(rt::Instant now) {
  const auto by_use = [](const auto& a, const auto& b) {
    return std::pair{!a.second.dead, a.second.heard} < std::pair{!b.second.dead, b.second.heard};
  };
  const auto least = std::min_element(nodes_.begin(), nodes_.end(), by_use);
  if (least == nodes_.end()) return false;
  if (!least->second.dead && now - least->second.heard < kSilentMax) return false;
  bytes_ -= least->second.bytes;
  nodes_.erase(least);
  return true;
}

/// false: something was missed, and only births can heal it.
bool Sparkplug::follow_seq(Node& node, const Address& address, const SparkplugPayload& payload) {
  if (address.type == "NDEATH") {
    node.next_seq.reset();  // the next birth begins anew
    return true;
  }
  const auto seq = static_cast<std::uint8_t>(payload.seq.value_or(0));
  const auto expected = std::exchange(node.next_seq, static_cast<std::uint8_t>(seq + 1));
  if (address.type == "NBIRTH") return true;
  if (!expected) {
    node.next_seq.reset();
    return false;
  }
  if (*expected == seq) return true;
  counts_.seq_gaps += 1;
  return false;
}

void Sparkplug::birth(Node& node, const Address& address, const SparkplugPayload& payload,
                      rt::Instant now) {
  if (address.type == "NBIRTH") {
    for (const auto& [name, device] : node.devices) release(node, device.bytes);
    node.devices.clear();
    node.metrics = 0;
  }
  const std::size_t bytes = address.device.size() + kEntryBytes;
  if (const auto known = node.devices.find(address.device); known != node.devices.end()) {
    release(node, known->second.bytes);
    node.metrics -= known->second.metrics;
    node.devices.erase(known);
  }
  if (node.devices.size() == kNodeDevicesMax || !take_bytes(node, bytes, now)) return;
  Device& device = node.devices[std::string(address.device)];
  device.bytes = bytes;
  learn(node, device, payload, now);
}

void Sparkplug::learn(Node& node, Device& device, const SparkplugPayload& payload,
                      rt::Instant now) {
  for (const SparkplugMetric& metric : payload.metrics) {
    const std::size_t bytes = 2 * metric.name.size() + kEntryBytes;  // by alias and by name
    if (node.metrics == kNodeMetricsMax || !take_bytes(node, bytes, now)) break;
    device.bytes += bytes;
    std::string name(metric.name);
    if (metric.alias) device.by_alias[*metric.alias] = {name, metric.datatype};
    device.type_by_name[std::move(name)] = metric.datatype;
    device.metrics += 1;
    node.metrics += 1;
  }
}

std::optional<Sparkplug::Known> Sparkplug::look_up(const Node& node, std::string_view device,
                                                   const SparkplugMetric& metric) {
  const auto at = node.devices.find(device);
  Known known{std::string(metric.name), metric.datatype};
  if (at != node.devices.end() && metric.name.empty() && metric.alias) {
    const auto alias = at->second.by_alias.find(*metric.alias);
    if (alias != at->second.by_alias.end()) known = alias->second;
  }
  if (at != node.devices.end() && known.datatype == 0) {
    const auto type = at->second.type_by_name.find(known.name);
    if (type != at->second.type_by_name.end()) known.datatype = type->second;
  }
  if (metric.datatype != 0) known.datatype = metric.datatype;
  if (known.name.empty() || known.datatype == 0) return std::nullopt;
  return known;
}

/// false: a metric was not known.
bool Sparkplug::add_metrics(const Node& node, const Address& address,
                            const SparkplugPayload& payload, const Message& message,
                            ReadingsBuilder& builder) {
  wire::SeriesKey key{
      .measurement = measurement_,
      .tags = {{"group", std::string(address.group)}, {"node", std::string(address.node)}},
      .field = {},
      .type = {},
      .unit = {}};
  if (!address.device.empty()) key.tags.emplace_back("device", std::string(address.device));
  bool all_known = true;
  for (const SparkplugMetric& metric : payload.metrics) {
    const auto known = look_up(node, address.device, metric);
    if (!known) {
      counts_.unknown_metrics += 1;
      all_known = false;
      continue;
    }
    auto value = value_of(metric, known->datatype);
    if (!value || is_control(known->name)) continue;
    const auto time_ms = metric.time_ms ? metric.time_ms : payload.time_ms;
    const bool usable = time_ms && *time_ms <= kTimeMsMax;
    key.field = known->name;
    if (usable) {
      builder.add(key, static_cast<std::int64_t>(*time_ms * 1'000'000), *std::move(value));
    } else if (message.retained) {
      counts_.retained_left_out += 1;
    } else {
      builder.add_stamped(key, message.arrived, *std::move(value));
    }
  }
  return all_known;
}

}  // namespace fieldpost::mapping
