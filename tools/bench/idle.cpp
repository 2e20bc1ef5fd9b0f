#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "tools/bench/scenarios.h"

namespace fieldpost::bench {
namespace {

constexpr const char* kEnvelopeBytes = "fieldpost_envelope_bytes_total";
constexpr double kSettleS = 3;
constexpr int kBatchesPerS = 10;
constexpr int kLinesPerBatch = 20;  ///< of five fields: 1,000 readings/s

void send_batches(Lab& lab, double seconds) {
  LineProducer producer(lab.socket_path());
  std::mt19937_64 random(5);
  double due = now_s();
  for (int i = 0; i < static_cast<int>(seconds * kBatchesPerS); ++i, due += 1.0 / kBatchesPerS) {
    sleep_s(std::max(0.0, due - now_s()));
    std::string lines;
    for (int line = 0; line < kLinesPerBatch; ++line) {
      lines += fmt::format("env,host=h{} ", line);
      for (int field = 0; field < 5; ++field) {
        lines += fmt::format("{}f{}={}", field == 0 ? "" : ",", field,
                             static_cast<double>(random() % 10'000) / 100);
      }
      lines += fmt::format(" {}\n", wall_ns());
    }
    producer.send(lines, 4);
  }
  producer.wait_for_all();
}

/// The same readings from a program that nobody waits for: sampled.
constexpr const char* kSampledSource = R"([[source]]
kind = "exec"
stream = true
command = ["awk", '''BEGIN {
  srand(5)
  for (;;) {
    for (h = 0; h < 20; h++) {
      printf "env,host=h%d ", h
      for (f = 0; f < 5; f++) printf "%sf%d=%.2f", f ? "," : "", f, rand() * 100
      print ""
    }
    fflush()
    system("sleep 0.1")
  }
}''']
)";
struct Meter {
  Lab& lab;
  std::map<Role, Usage> before = lab.usage();
  std::uint64_t delivered = lab.delivered();
  double wire_bytes = lab.metric(kEnvelopeBytes);
  double began = now_s();

  void report_to(Report& report, const std::string& name, const std::string& aim_cpu,
                 const std::string& aim_memory) {
    const double seconds = now_s() - began;
    const auto stored = static_cast<double>(lab.delivered() - delivered);
    report.add(name, "readings stored", stored / seconds, "readings/s");
    for (const auto& [role, usage] : lab.usage()) {
      const bool agent = role == Role::kAgent;
      report.add(name, "CPU of the " + to_string(role),
                 (usage.cpu_s - before.at(role).cpu_s) / seconds * 100, "% of a core",
                 agent ? aim_cpu : "");
      report.add(name, "PSS of the " + to_string(role), static_cast<double>(usage.pss_bytes) / 1e6,
                 "MB", agent ? aim_memory : "");
      const auto written = static_cast<double>(usage.disk_bytes - before.at(role).disk_bytes);
      report.add(name, "written to disk by the " + to_string(role), written / seconds, "bytes/s");
      if (stored > 1) {
        report.add(name, "written to disk by the " + to_string(role), written / stored,
                   "bytes a reading");
      }
    }
    if (stored > 1) {
      report.add(name, "on the wire, all of the envelopes",
                 (lab.metric(kEnvelopeBytes) - wire_bytes) / stored, "bytes a reading");
    }
  }
};

/// For so long as the plan says, with nobody but the agent's sources at work.
void watch(const Plan& plan, const LabOptions& options, const std::string& name,
           const std::string& aim_cpu, Report& report) {
  Lab lab(options);
  lab.start_all();
  sleep_s(kSettleS);
  Meter meter{lab};
  sleep_s(plan.watch_s);
  meter.report_to(report, name, aim_cpu, "8");
}

}  // namespace

void measure_idle(const Plan& plan, Report& report) {
  watch(plan, plan.lab, "idle, no source", "", report);
  LabOptions with_metrics = plan.lab;
  with_metrics.host_metrics = true;
  watch(plan, with_metrics, "host_metrics at 1 s", "", report);
  LabOptions with_program = plan.lab;
  with_program.sources = kSampledSource;
  watch(plan, with_program, "1,000 readings/s, sampled", "1", report);
  Lab lab(plan.lab);
  lab.start_all();
  sleep_s(kSettleS);
  Meter meter{lab};
  send_batches(lab, plan.watch_s);
  meter.report_to(report, "1,000 readings/s, durable", "1", "");
}

}  // namespace fieldpost::bench
