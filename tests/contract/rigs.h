#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "proto/rt/paho_mqtt.h"
#include "proto/rt/process_spawner.h"
#include "proto/rt/real_loop.h"
#include "proto/rt/real_streams.h"
#include "proto/rt/system_files.h"
#include "proto/rt/thread_worker.h"
#include "tests/support/mosquitto_process.h"
#include "tests/support/sim/sim_broker.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_files.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_mqtt.h"
#include "tests/support/sim/sim_spawner.h"
#include "tests/support/sim/sim_streams.h"
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

struct RealStreamsRig : RealRig {
  TempDirectory directory;
  rt::RealStreams streams{loop};
  [[nodiscard]] std::string path(const std::string& name) const { return directory.file(name); }
};

struct SimStreamsRig : SimRig {
  sim::SimStreams streams{loop};
  [[nodiscard]] static std::string path(const std::string& name) { return "/run/" + name; }
};

/// Both rigs know the same programs by name.
struct RealSpawnerRig : RealRig {
  rt::ProcessSpawner spawner{loop};
  [[nodiscard]] static std::vector<std::string> argv(const std::string& name) {
    if (name == "talker") return {"sh", "-c", "echo one; echo two >&2; echo three; exit 7"};
    if (name == "hanger") return {"sh", "-c", "echo up; sleep 1000 & sleep 1000"};
    if (name == "stubborn")
      return {"sh", "-c", "trap '' TERM; echo up; while :; do sleep 1000; done"};
    return {"/nonexistent/" + name};
  }
};

struct SimSpawnerRig : SimRig {
  sim::SimSpawner spawner{loop};
  SimSpawnerRig() {
    spawner.install("talker", {.steps = {{{}, "one\n", "two\n"}, {{}, "three\n", ""}},
                               .exit = {.code = 7, .signal = 0}});
    spawner.install("hanger", {.steps = {{{}, "up\n", ""}}, .exit = {}, .hangs = true});
    spawner.install(
        "stubborn",
        {.steps = {{{}, "up\n", ""}}, .exit = {}, .hangs = true, .ignores_sigterm = true});
  }
  [[nodiscard]] static std::vector<std::string> argv(const std::string& name) { return {name}; }
};

struct RealFilesRig {
  TempDirectory directory;
  rt::SystemFiles files;
  [[nodiscard]] std::string root() const { return directory.path(); }
  [[nodiscard]] std::string path(const std::string& name) const { return directory.file(name); }
  void make_link(const std::string& to, const std::string& name) const {
    std::filesystem::create_symlink(path(to), path(name));
  }
};

struct SimFilesRig {
  sim::SimDisk disk;
  sim::SimFiles files{disk};
  SimFilesRig() { static_cast<void>(files.make_directories("/data")); }
  [[nodiscard]] static std::string root() { return "/data"; }
  [[nodiscard]] static std::string path(const std::string& name) { return "/data/" + name; }
  void make_link(const std::string& to, const std::string& name) {
    files.make_link(path(to), path(name));
  }
};

}  // namespace fieldpost::test
