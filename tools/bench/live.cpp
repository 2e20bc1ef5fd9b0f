#include <fmt/format.h>

#include "tools/bench/probe.h"
#include "tools/bench/scenarios.h"

namespace fieldpost::bench {
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
  take_outage(lab, plan.drain, "outage", report);
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
