#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/rt/mqtt.h"
#include "tests/support/sim/sim_pipe.h"

namespace fieldpost::sim {

class SimMqtt;

enum class LinkState : std::uint8_t {
  kUp,
  kHalfOpen,  ///< packets vanish; both sides notice by keepalive
  kReset,     ///< connections break at once and new ones are refused
};

enum class Retained : std::uint8_t { kKept, kWiped };

/// A connection as broker and client share it. Each side lets go by itself.
struct SimConnection {
  rt::MqttOptions options;
  SimMqtt* client = nullptr;  ///< null when the client has let go
  bool at_broker = false;     ///< the broker has accepted it and not let go
  std::uint64_t stalls = 0;   ///< counts stalls, to forget the timers of earlier ones
  bool stalled = false;
  std::vector<std::string> filters;
  std::shared_ptr<SimPipe> up, down;
};
using SimConnectionPtr = std::shared_ptr<SimConnection>;

/// An MQTT broker of the simulated world, with the faults of a real one and of the links to it.
class SimBroker {
 public:
  explicit SimBroker(SimWorld& world) : world_(world), dice_(world.dice("broker")) {}
  ~SimBroker();
  SimBroker(const SimBroker&) = delete;
  SimBroker& operator=(const SimBroker&) = delete;

  void set_faults(const LinkFaults& faults) { faults_ = faults; }  ///< of every link
  [[nodiscard]] const LinkFaults& faults() const { return faults_; }
  void set_link(const std::string& client_id, LinkState state);
  /// How many bytes a second the link from this client carries up; 0: any number.
  void set_rate(const std::string& client_id, std::uint64_t bytes_per_second);
  void calm();  ///< no faults, all links up, running and thawed

  void crash(Retained retained);  ///< kill -9: connections break, no wills are published
  void start() { running_ = true; }
  [[nodiscard]] bool running() const { return running_; }
  void freeze() { set_frozen(true); }  ///< SIGSTOP
  void thaw() { set_frozen(false); }
  /// The machine of this client has lost power: the broker notices by keepalive.
  void lose_power(const std::string& client_id);
  void break_connection(const std::string& client_id);  ///< by TCP reset, if there is one
  void set_receive_maximum(std::uint16_t count) { receive_maximum_ = count; }

  /// Sees each publish the broker takes; false swallows it (after PUBACK).
  using Tap = std::function<bool(const std::string& client_id, const rt::MqttMessage&)>;
  void set_tap(Tap tap) { tap_ = std::move(tap); }
  /// As if some client had published it: a forger, an operator.
  void inject(const rt::MqttMessage& message) { take("", message); }

  [[nodiscard]] std::optional<std::string> retained(const std::string& topic) const;
  [[nodiscard]] bool connected(const std::string& client_id) const;
  [[nodiscard]] const LinkCounts& counts() const { return counts_; }
  [[nodiscard]] std::uint64_t wills_published() const { return wills_published_; }

 private:
  friend class SimMqtt;
  SimConnectionPtr open(SimMqtt& client, const rt::MqttOptions& options);
  void client_publishes(const SimConnectionPtr& connection, const rt::MqttMessage& message,
                        std::uint64_t token);
  void client_subscribes(const SimConnectionPtr& connection, const std::string& filter);
  void client_leaves(const SimConnectionPtr& connection, bool goodbye);

  void take_connect(const SimConnectionPtr& connection);
  void take(const std::string& client_id, const rt::MqttMessage& message);
  void deliver(const SimConnectionPtr& connection, const rt::MqttMessage& message);
  void subscribe(const SimConnectionPtr& connection, const std::string& filter);
  void drop(const SimConnectionPtr& connection, bool will);
  void tear(const SimConnectionPtr& connection, const std::string& why);
  void refresh_stall(const SimConnectionPtr& connection);
  void set_frozen(bool frozen);
  [[nodiscard]] LinkState link(const std::string& client_id) const;
  [[nodiscard]] std::vector<SimConnectionPtr> connections_of(const std::string& client_id);

  SimWorld& world_;
  Dice dice_;
  LinkFaults faults_;
  LinkCounts counts_;
  std::uint64_t wills_published_ = 0;
  bool running_ = true;
  bool frozen_ = false;
  std::uint16_t receive_maximum_ = 20;
  std::map<std::string, std::uint64_t> rates_;
  Tap tap_;
  std::map<std::string, LinkState> links_;
  std::map<std::string, SimConnectionPtr> sessions_;  ///< by client id
  std::vector<std::weak_ptr<SimConnection>> all_;     ///< also those that connect or die
  std::map<std::string, std::string> retained_;
};

/// Whether an MQTT topic filter (+ and #) takes a topic.
[[nodiscard]] bool filter_matches(std::string_view filter, std::string_view topic);

}  // namespace fieldpost::sim
