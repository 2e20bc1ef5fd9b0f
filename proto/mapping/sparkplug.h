#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "proto/mapping/readings_builder.h"
#include "proto/mapping/sparkplug_payload.h"
#include "proto/rt/loop.h"

namespace fieldpost::mapping {

/// What a Sparkplug host remembers of edge nodes: the names and types their births announced, and
/// where their sequences stand. At its bounds it forgets nodes that died, or were silent for long;
/// one that speaks again is asked for its births.
class Sparkplug {
 public:
  static constexpr std::size_t kNodesMax = 1024;          ///< more: their messages are left out
  static constexpr std::size_t kBytesMax = 64u << 20;     ///< remembered of all edge nodes
  static constexpr std::size_t kNodeBytesMax = 4 << 20;   ///< of one edge node with its devices
  static constexpr std::size_t kNodeMetricsMax = 16'384;  ///< of one edge node with its devices
  static constexpr std::size_t kNodeDevicesMax = 1024;    ///< of one edge node
  static constexpr rt::Nanos kRebirthPause = rt::Seconds{10};  ///< between requests to one node
  static constexpr rt::Nanos kSilentMax = rt::Seconds{3600};   ///< then a node may be forgotten

  struct Counts {
    std::uint64_t seq_gaps = 0;
    std::uint64_t unknown_metrics = 0;    ///< no birth told of their alias or type
    std::uint64_t retained_left_out = 0;  ///< retained values without a time
  };

  explicit Sparkplug(std::string measurement) : measurement_(std::move(measurement)) {}

  struct Message {
    std::string_view topic;  ///< spBv1.0/GROUP/TYPE/NODE[/DEVICE]
    std::string_view payload;
    rt::UnixTime arrived;
    rt::Instant now;
    bool retained = false;  ///< arrived long after it was published
  };
  /// Adds the message's readings. Returns the topic to ask for a rebirth, if that would help.
  /// kInvalid: not decodable; kFull: too many edge nodes.
  rt::Result<std::optional<std::string>> take(const Message& message, ReadingsBuilder& builder);
  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }  ///< remembered, about

 private:
  struct Known {
    std::string name;
    std::uint32_t datatype = 0;
  };
  struct Device {
    std::unordered_map<std::uint64_t, Known> by_alias;
    std::unordered_map<std::string, std::uint32_t> type_by_name;
    std::size_t metrics = 0;
    std::size_t bytes = 0;
  };
  struct Node {
    std::map<std::string, Device, std::less<>> devices;  ///< "" is the node itself
    std::size_t metrics = 0;
    std::size_t bytes = 0;  ///< with those of its devices
    bool dead = false;
    rt::Instant heard;
    std::optional<std::uint8_t> next_seq;  ///< empty: no birth seen
    std::optional<rt::Instant> asked;
  };
  struct Address {
    std::string_view group, type, node, device;
  };

  static std::optional<Address> parse_topic(std::string_view topic);
  Node* find_or_add(const std::string& id, rt::Instant now);
  bool take_bytes(Node& node, std::size_t bytes, rt::Instant now);
  void release(Node& node, std::size_t bytes);
  bool forget_one(rt::Instant now);
  void birth(Node& node, const Address& address, const SparkplugPayload& payload, rt::Instant now);
  void learn(Node& node, Device& device, const SparkplugPayload& payload, rt::Instant now);
  bool follow_seq(Node& node, const Address& address, const SparkplugPayload& payload);
  bool add_metrics(const Node& node, const Address& address, const SparkplugPayload& payload,
                   const Message& message, ReadingsBuilder& builder);
  static std::optional<Known> look_up(const Node& node, std::string_view device,
                                      const SparkplugMetric& metric);

  std::string measurement_;
  Counts counts_;
  std::map<std::string, Node, std::less<>> nodes_;
  std::size_t bytes_ = 0;
};

}  // namespace fieldpost::mapping
