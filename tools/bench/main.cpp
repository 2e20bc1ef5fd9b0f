// fieldpost-bench: measures a broker, a coordinator and an agent that it starts itself.
// `fieldpost bench` runs it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "tools/bench/scenarios.h"

namespace {

namespace bench = fieldpost::bench;

constexpr int kExitUsage = 2;

struct Scenario {
  const char* name;
  void (*measure)(const bench::Plan&, bench::Report&);
};

constexpr Scenario kScenarios[] = {
    {"end_to_end", bench::measure_end_to_end},
    {"codec", bench::measure_codec_alone},
    {"sizes", bench::measure_sizes},
    {"live", bench::measure_live},
    {"drain", bench::measure_drain},
    {"idle", bench::measure_idle},
    {"small_machine", bench::measure_small_machine},
    {"link", bench::measure_link},
};

void make_quick(bench::Plan& plan) {
  plan.rounds = 1;
  plan.batches = 20;
  plan.drain = std::min<std::size_t>(plan.drain, 1'000'000);
  plan.watch_s = std::min(plan.watch_s, 10.0);
  plan.codec_s = 0.1;
}

std::string own_directory() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures fieldpost on this machine: throughput, latency, sizes, idleness");
  bench::Plan plan;
  plan.lab.binaries = own_directory();
  plan.lab.scratch = std::filesystem::temp_directory_path().string();
  plan.data = "tests/data/nab";
  std::vector<std::string> only;
  bool quick = false;
  bool json = false;
  std::vector<std::string> names;
  for (const Scenario& each : kScenarios) names.emplace_back(each.name);
  app.add_option("scenario", only, "which (default: all)")->check(CLI::IsMember(names));
  app.add_option("--data", plan.data, "directory of recorded series (CSV)");
  app.add_option("--dir", plan.lab.scratch, "where scratch directories are made; not a tmpfs")
      ->check(CLI::ExistingDirectory);
  app.add_option("--rounds", plan.rounds, "medians are of so many");
  app.add_option("--batches", plan.batches, "of 50,000 readings, in a round");
  app.add_option("--drain", plan.drain, "readings of the outage");
  app.add_option("--seconds", plan.watch_s, "how long latency and idleness are looked at");
  app.add_flag("--quick", quick, "less of everything: a minute and a half");
  app.add_flag("--json", json, "print JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EXIT_SUCCESS : kExitUsage;
  }
  if (quick) make_quick(plan);
  bench::Report report;
  for (const Scenario& each : kScenarios) {
    if (only.empty() || std::find(only.begin(), only.end(), each.name) != only.end()) {
      each.measure(plan, report);
    }
  }
  json ? report.print_json() : report.print_table();
  return EXIT_SUCCESS;
}
