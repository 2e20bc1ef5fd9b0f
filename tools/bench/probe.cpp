#include "tools/bench/probe.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/bench/daemon.h"
#include "tools/bench/shapes.h"

namespace fieldpost::bench {
namespace {

constexpr double kEvery = 0.1;
constexpr std::size_t kUnderWay = 8;
constexpr const char* kAimLive = "p99 250";

}  // namespace

void Probe::send_all() {
  for (double due = now_s(); !stopping_; due += kEvery) {
    sleep_s(std::max(0.0, due - now_s()));
    producer_.send(fmt::format("probe value={} {}\n", ++count_, wall_ns()), kUnderWay);
  }
  producer_.wait_for_all();
}

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

void take_outage(Lab& lab, std::size_t readings, const std::string& name, Report& report) {
  constexpr std::size_t kBatchReadings = kBatchLines * kWalkFields;
  const auto batches = walk_batches(readings / kBatchReadings);
  LineProducer producer(lab.socket_path());
  const double began = now_s();
  for (const std::string& batch : batches) producer.send(batch, kUnderWay);
  producer.wait_for_all();
  report.add(name, "taken while there is no coordinator",
             static_cast<double>(readings) / (now_s() - began), "readings/s");
}

}  // namespace fieldpost::bench
