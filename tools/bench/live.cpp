#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "tools/bench/scenarios.h"
#include "tools/bench/shapes.h"

namespace fieldpost::bench {
namespace {

constexpr double kEvery = 0.1;
constexpr std::size_t kUnderWay = 8;
constexpr const char* kAimLive = "p99 250";

/// Ten batches a second of one line, stamped as it is sent.
class Probe {
 public:
  explicit Probe(const std::string& socket) : producer_(socket), thread_([this] { send_all(); }) {}
  ~Probe() {
    stopping_ = true;
    thread_.join();
  }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

 private:
  void send_all() {
    for (double due = now_s(); !stopping_; due += kEvery) {
      sleep_s(std::max(0.0, due - now_s()));
      producer_.send(fmt::format("probe value={} {}\n", ++count_, wall_ns()), kUnderWay);
    }
    producer_.wait_for_all();
  }
  LineProducer producer_;
  std::atomic<bool> stopping_ = false;
  int count_ = 0;
  std::thread thread_;
};

void report_ages(const std::vector<LiveWatch::Seen>& seen, double from_wall_s,
                 const std::string& name, Report& report) {
  std::vector<double> ages;
  for (const LiveWatch::Seen& each : seen) {
    if (each.sent_s >= from_wall_s) ages.push_back(each.age_s * 1000);
  }
  report.add(name, "socket to /api/v1/live, p50", quantile(ages, 0.5), "ms");
  report.add(name, "socket to /api/v1/live, p99", quantile(ages, 0.99), "ms", kAimLive);
  report.add(name, "values seen", static_cast<double>(ages.size()), "");
}

void take_outage(Lab& lab, const Plan& plan, Report& report) {
  constexpr std::size_t kBatchReadings = kBatchLines * kWalkFields;
  const auto batches = walk_batches(plan.drain / kBatchReadings);
  LineProducer producer(lab.socket_path());
  const double began = now_s();
  for (const std::string& batch : batches) producer.send(batch, kUnderWay);
  producer.wait_for_all();
  report.add("outage", "taken while there is no coordinator",
             static_cast<double>(plan.drain) / (now_s() - began), "readings/s");
}

}  // namespace

void measure_live(const Plan& plan, Report& report) {
  Lab lab(plan.lab);
  lab.start_all();
  const Probe probe(lab.socket_path());
  LiveWatch watch(lab.coordinator_port(), lab.series("probe"));
  sleep_s(plan.watch_s);
  report_ages(watch.seen(), 0, "live, idle", report);
}

void measure_drain(const Plan& plan, Report& report) {
  Lab lab(plan.lab);
  lab.start_all();
  LineProducer(lab.socket_path()).send(fmt::format("probe value=0 {}\n", wall_ns()), 1);
  const std::int64_t series = lab.series("probe");
  report.add("start of the agent", "with an empty spool", lab.daemon(Role::kAgent).start_s() * 1000,
             "ms", "100");
  lab.stop(Role::kCoordinator);
  take_outage(lab, plan, report);
  lab.stop(Role::kAgent);
  lab.start(Role::kAgent);
  report.add("start of the agent", fmt::format("with {} readings in the spool", plan.drain),
             lab.daemon(Role::kAgent).start_s() * 1000, "ms", "200");

  const double began = now_s();
  lab.start(Role::kCoordinator);
  LiveWatch watch(lab.coordinator_port(), series);
  Probe probe(lab.socket_path());
  lab.wait_welcomed();
  const double welcomed = now_s();
  const double welcomed_wall = static_cast<double>(wall_ns()) / 1e9;
  const auto before = lab.usage();
  lab.wait_delivered(plan.drain);
  const double drained = now_s() - welcomed;
  const auto readings = static_cast<double>(plan.drain);
  report.add("drain", "from the coordinator's start to the welcome", welcomed - began, "s");
  report.add("drain", fmt::format("of {} readings, from the welcome on", plan.drain),
             readings / drained, "readings/s");
  for (const auto& [role, usage] : lab.usage()) {
    report.add("drain", "CPU of the " + to_string(role),
               (usage.cpu_s - before.at(role).cpu_s) / readings * 1e6, "s/M readings");
  }
  sleep_s(0.5);
  report_ages(watch.seen(), welcomed_wall, "live, while draining", report);
}

}  // namespace fieldpost::bench
