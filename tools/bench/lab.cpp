#include "tools/bench/lab.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

namespace fieldpost::bench {
namespace {

constexpr double kPatience = 60;  ///< seconds without progress

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  if (!file) give_up("writing " + path);
}

}  // namespace

std::string to_string(Role role) {
  switch (role) {
    case Role::kAgent: return "agent";
    case Role::kBroker: return "broker";
    case Role::kCoordinator: return "coordinator";
  }
  return "";
}

Lab::Lab(LabOptions options)
    : options_(std::move(options)),
      directory_(options_.scratch + "/fieldpost-bench-XXXXXX"),
      broker_port_(free_port()),
      agent_port_(free_port()),
      coordinator_port_(free_port()) {
  if (::mkdtemp(directory_.data()) == nullptr) give_up("no directory in " + options_.scratch);
  have_removed();
  write_configurations();
}

/// A child that outlives us, however we end, waits for that and removes the directory.
void Lab::have_removed() const {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) give_up("no pipe");
  if (::fork() != 0) {
    ::close(ends[0]);  // the other end closes with us
    return;
  }
  ::setsid();
  ::close(ends[1]);
  ::dup2(ends[0], STDIN_FILENO);
  const char* const script = "read none; sleep 1; rm -rf -- \"$1\"";
  ::execl("/bin/sh", "sh", "-c", script, "fieldpost-bench-remove", directory_.c_str(), nullptr);
  ::_exit(127);
}

Lab::~Lab() {
  for (const Role role : kRoles) stop(role);
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void Lab::write_configurations() const {
  // As systemd/mosquitto.conf is, on another port.
  const bool is_far = options_.broker_address != "127.0.0.1";
  const std::string far =
      is_far ? fmt::format("listener {} {}\n", broker_port_, options_.broker_address) : "";
  // A process that changes its user does not end with its parent any more.
  const std::string user = ::geteuid() == 0 ? "user root\n" : "";
  write_file(directory_ + "/broker.conf",
             fmt::format("listener {} 127.0.0.1\n{}{}allow_anonymous true\npersistence false\n"
                         "max_packet_size 270336\nmax_queued_messages 0\n"
                         "max_queued_bytes 603979776\nmax_inflight_messages 100\n"
                         "log_dest stderr\nlog_type error\nlog_type warning\n",
                         broker_port_, far, user));
  const std::string common = fmt::format("[mqtt]\nurl = \"mqtt://127.0.0.1:{}\"\n", broker_port_);
  const std::string of_agent = is_far
                                   ? fmt::format(
                                         "[mqtt]\nurl = \"mqtt://{}:{}\"\nallow_insecure = true\n"
                                         "pin_at_first_sight = \"always\"\n",
                                         options_.broker_address, broker_port_)
                                   : common;
  write_file(directory_ + "/coordinator.toml",
             common + fmt::format("[http]\nlisten = \"127.0.0.1:{}\"\n[store]\nurl = "
                                  "\"sqlite://{}/coordinator\"\n{}",
                                  coordinator_port_, directory_,
                                  options_.compact_soon
                                      ? "[compaction]\nevery = \"500ms\"\nbatches_min = 1\n"
                                        "age_max = \"1s\"\n"
                                      : ""));
  const std::string source =
      options_.host_metrics ? fmt::format("[[source]]\nkind = \"host_metrics\"\nevery = \"{}\"\n",
                                          options_.metrics_every)
                            : "";
  write_file(
      directory_ + "/agent.toml",
      fmt::format("{}[node]\nid = \"bench\"\nsite = \"lab\"\n[spool]\npath = \"{}/agent\"\n"
                  "[listen]\nsocket = \"{}\"\nhttp = \"127.0.0.1:{}\"\n{}",
                  of_agent, directory_, socket_path(), agent_port_, source + options_.sources));
}

void Lab::start(Role role) {
  const std::string log = directory_ + "/" + to_string(role) + ".log";
  if (role == Role::kBroker) {
    const bool in_sbin = ::access("/usr/sbin/mosquitto", X_OK) == 0;
    daemon(role) = Daemon(
        {in_sbin ? "/usr/sbin/mosquitto" : "mosquitto", "-c", directory_ + "/broker.conf"}, log);
    const auto listening = Connection::to_loopback(broker_port_);
    return;
  }
  const std::string name = to_string(role);
  std::vector<std::string> argv;
  if (role == Role::kAgent) argv = options_.agent_prefix;
  argv.insert(argv.end(), {options_.binaries + "/fieldpost-" + name, "--config",
                           directory_ + "/" + name + ".toml"});
  daemon(role) = Daemon(argv, log, directory_ + "/ready.sock");
}

void Lab::start_all() {
  start(Role::kBroker);
  start(Role::kCoordinator);
  start(Role::kAgent);
  wait_welcomed();
}

std::map<Role, Usage> Lab::usage() {
  std::map<Role, Usage> all;
  for (const Role role : kRoles) {
    if (daemon(role).is_running()) all[role] = daemon(role).usage();
  }
  return all;
}

void Lab::wait_welcomed(std::size_t nodes) {
  const double began = now_s();
  while (metric("fieldpost_welcomes_total") < static_cast<double>(nodes)) {
    if (now_s() - began > kPatience) give_up("the coordinator does not welcome every agent");
    sleep_s(0.02);
  }
}

std::uint64_t Lab::delivered(bool by_agent) {
  HttpClient client(coordinator_port_);
  std::uint64_t sum = 0;
  std::string path = "/api/v1/nodes";
  for (;;) {
    const auto list = nlohmann::json::parse(client.get(path), nullptr, false);
    for (const auto& node : list.at("items")) {
      if ((node.at("id") == "bench") == by_agent) sum += node.at("delivered").get<std::uint64_t>();
    }
    if (list.at("next_cursor").is_null()) return sum;
    path = "/api/v1/nodes?cursor=" + list.at("next_cursor").get<std::string>();
  }
}

void Lab::wait_delivered(std::uint64_t readings, bool by_agent) {
  double moved = now_s();
  for (std::uint64_t before = 0;;) {
    const std::uint64_t have = delivered(by_agent);
    if (have >= readings) return;
    if (have != std::exchange(before, have)) moved = now_s();
    if (now_s() - moved > kPatience) {
      give_up(fmt::format("{} of {} readings are stored, and no more come", have, readings));
    }
    sleep_s(0.01);
  }
}

double Lab::metric(const std::string& name) {
  const std::string text = HttpClient(coordinator_port_).get("/metrics");
  const std::size_t at = text.find("\n" + name + " ");
  return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + name.size() + 2, nullptr);
}

std::int64_t Lab::series(const std::string& measurement) {
  const double began = now_s();
  while (now_s() - began < kPatience) {
    const auto list = nlohmann::json::parse(
        HttpClient(coordinator_port_).get("/api/v1/series?node=bench&measurement=" + measurement),
        nullptr, false);
    if (!list.at("items").empty()) return list.at("items").front().at("id").get<std::int64_t>();
    sleep_s(0.02);
  }
  give_up("no series of " + measurement);
}

}  // namespace fieldpost::bench
