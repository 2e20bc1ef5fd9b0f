#include "agent/sources/mqtt/sparkplug.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace fieldpost::agent {
namespace {

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
  if (!nodes_.contains(id) && nodes_.size() == kNodesMax) {
    return rt::Error{rt::Errc::kFull, fmt::format("more than {} edge nodes", kNodesMax)};
  }
  Node& node = nodes_[id];
  bool complete = follow_seq(node, *address, *payload);
  if (is_birth(address->type)) birth(node, *address, *payload);
  if (!death)
    complete = add_metrics(node, *address, *payload, message.arrived, builder) && complete;
  if (complete || (node.asked && message.now - *node.asked < kRebirthPause)) {
    return std::optional<std::string>{};
  }
  node.asked = message.now;
  return std::optional(fmt::format("spBv1.0/{}/NCMD/{}", address->group, address->node));
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

void Sparkplug::birth(Node& node, const Address& address, const SparkplugPayload& payload) {
  if (address.type == "NBIRTH") {
    node.devices.clear();
    node.metrics = 0;
  }
  if (!node.devices.contains(address.device) && node.devices.size() == kNodeDevicesMax) return;
  Device& device = node.devices[std::string(address.device)];
  node.metrics -= device.metrics;
  device = {};
  for (const SparkplugMetric& metric : payload.metrics) {
    if (node.metrics == kNodeMetricsMax) break;
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
                            const SparkplugPayload& payload, rt::UnixTime arrived,
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
    } else {
      builder.add_stamped(key, arrived, *std::move(value));
    }
  }
  return all_known;
}

}  // namespace fieldpost::agent
