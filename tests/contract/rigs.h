#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>

#include "proto/rt/paho_mqtt.h"
#include "proto/rt/real_loop.h"
#include "proto/rt/thread_worker.h"
#include "tests/support/mosquitto_process.h"
#include "tests/support/sim/sim_broker.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_mqtt.h"
#include "tests/support/sim/sim_worker.h"

/// A rig is one implementation of a port with the world that it lives in. Each contract is a test
/// template over the real and the simulated rig.
namespace fieldpost::test {

inline constexpr rt::Seconds kPatience{30};

struct RealRig {
  using Worker = rt::ThreadWorker;
  rt::RealLoop loop;

  bool run_until(const std::function<bool()>& condition) {
    return loop.run_until(condition, kPatience);
  }
  void run_for(rt::Nanos span) {
    loop.run_until([] { return false; }, span);
  }
  std::unique_ptr<rt::Worker> make_worker() { return std::make_unique<rt::ThreadWorker>(loop); }
};

struct SimRig {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};

  bool run_until(const std::function<bool()>& condition) {
    return world.run_until(condition, rt::Seconds{3600});
  }
  void run_for(rt::Nanos span) { world.run_for(span); }
  std::unique_ptr<rt::Worker> make_worker() {
    return std::make_unique<sim::SimWorker>(loop, world.dice("worker"));
  }
};

struct RealMqttRig : RealRig {
  MosquittoProcess broker{{.persistence = true, .extra_config = {}}};

  std::unique_ptr<rt::Mqtt> make_client() { return std::make_unique<rt::PahoMqtt>(loop); }
  [[nodiscard]] std::string url() const { return broker.url(); }
  void stop_broker() { broker.stop(); }
  void start_broker() { broker.start(); }
  void freeze_broker() { broker.freeze(); }
  void thaw_broker() { broker.thaw(); }
};

struct SimMqttRig : SimRig {
  sim::SimBroker broker{world};

  std::unique_ptr<rt::Mqtt> make_client() { return std::make_unique<sim::SimMqtt>(loop, broker); }
  [[nodiscard]] std::string url() const { return "mqtt://sim:1883"; }
  void stop_broker() { broker.crash(sim::Retained::kKept); }
  void start_broker() { broker.start(); }
  void freeze_broker() { broker.freeze(); }
  void thaw_broker() { broker.thaw(); }
};

}  // namespace fieldpost::test
