#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tools/bench/field_site.h"
#include "tools/bench/memory_cage.h"
#include "tools/bench/probe.h"
#include "tools/bench/scenarios.h"

namespace fieldpost::bench {
namespace {

constexpr std::uint64_t kMemory = 2'000'000'000;
constexpr std::size_t kDashboards = 50;
constexpr double kRefreshS = 2;
constexpr std::size_t kNodes = 500;
constexpr const char* kName = "2 GB, 500 nodes";

/// What an open page and a running export ask for.
class Visitors {
 public:
  Visitors(std::uint16_t port, std::int64_t live_series) : port_(port) {
    for (std::size_t i = 0; i < kDashboards; ++i) {
      watches_.push_back(std::make_unique<LiveWatch>(port, live_series));
      threads_.emplace_back([this, i] { refresh(i); });
    }
    threads_.emplace_back([this] { keep_exporting(); });
  }
  ~Visitors() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  Visitors(const Visitors&) = delete;
  Visitors& operator=(const Visitors&) = delete;
  [[nodiscard]] std::uint64_t exported_bytes() const { return exported_bytes_; }

 private:
  void refresh(std::size_t number) {
    HttpClient client(port_);
    sleep_s(kRefreshS * static_cast<double>(number) / kDashboards);
    while (!stopping_) {
      client.get("/api/v1/nodes");
      client.get(fmt::format("/api/v1/readings/aggregate?node=node-{}&points=300", number));
      sleep_s(kRefreshS);
    }
  }
  void keep_exporting() {
    std::string ids;
    for (int id = 1; id <= 1000; ++id) ids += (id == 1 ? "" : ",") + std::to_string(id);
    while (!stopping_) {
      Connection connection = Connection::to_loopback(port_);
      connection.send("GET /api/v1/readings?format=csv&series=" + ids +
                      " HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
      for (std::string line; connection.read_line(line);) exported_bytes_ += line.size() + 1;
    }
  }

  std::uint16_t port_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> exported_bytes_ = 0;
  std::vector<std::unique_ptr<LiveWatch>> watches_;
  std::vector<std::thread> threads_;
};

}  // namespace

void measure_small_machine(const Plan& plan, Report& report) {
  std::string why;
  auto cage = MemoryCage::make(kMemory, why);
  if (!cage) {
    fmt::print(stderr, "small_machine: left out, it needs root and a memory cgroup: {}\n", why);
    return;
  }
  LabOptions options = plan.lab;
  options.compact_soon = true;
  Lab lab(options);
  lab.start(Role::kBroker);
  cage->take_in(lab.daemon(Role::kBroker).pid());
  lab.start(Role::kCoordinator);
  cage->take_in(lab.daemon(Role::kCoordinator).pid());
  lab.start(Role::kAgent);
  LineProducer(lab.socket_path()).send(fmt::format("probe value=0 {}\n", wall_ns()), 1);
  const std::int64_t series = lab.series("probe");

  FieldSite site({.directory = lab.directory(), .broker_port = lab.broker_port(), .nodes = kNodes});
  const double connecting = now_s();
  lab.wait_welcomed(kNodes + 1);
  report.add(kName, "all nodes welcomed after", now_s() - connecting, "s");
  lab.wait_delivered_by_others(site.sampled());
  const double began = now_s();
  const auto before = lab.usage();
  const std::uint64_t sampled_before = site.sampled();
  std::uint64_t exported = 0;
  {
    const Probe probe(lab.socket_path());
    LiveWatch watch(lab.coordinator_port(), series);
    const Visitors visitors(lab.coordinator_port(), series);
    sleep_s(plan.watch_s);
    report_ages(watch.seen(), 0, kName, report);
    exported = visitors.exported_bytes();
  }
  const double seconds = now_s() - began;
  report.add(kName, "sampled", static_cast<double>(site.sampled() - sampled_before) / seconds,
             "readings/s");
  report.add(kName, "exported meanwhile", static_cast<double>(exported) / seconds / 1e6, "MB/s");
  for (const auto& [role, usage] : lab.usage()) {
    report.add(kName, "CPU of the " + to_string(role),
               (usage.cpu_s - before.at(role).cpu_s) / seconds * 100, "% of a core");
    report.add(kName, "PSS of the " + to_string(role), static_cast<double>(usage.pss_bytes) / 1e6,
               "MB");
  }
  site.stop_sampling();
  lab.wait_delivered_by_others(site.sampled());
  report.add(kName, "delivered of what was sampled", 100, "%", "100");
  report.add(kName, "most memory of broker and coordinator, page cache included",
             static_cast<double>(cage->peak_bytes()) / 1e6, "MB", "2000");
  report.add(kName, "killed for want of memory", static_cast<double>(cage->killed()), "", "0");
}

}  // namespace fieldpost::bench
