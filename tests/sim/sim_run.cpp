// Runs the delivery simulation; prints failing seeds and their stories.
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/delivery_sim.h"

namespace {

constexpr const char* kUsage =
    "usage: sim_run [--seeds N] [--from SEED] [--seed SEED] [--listed FILE] [--first] [--twice]\n"
    "  --seeds N      N seeds in a row (20)\n"
    "  --from SEED    beginning with this one (1)\n"
    "  --seed SEED    this one only, and what happened in it\n"
    "  --listed FILE  the seeds in FILE, one a line, # begins a comment\n"
    "  --first        ends with the first seed that fails\n"
    "  --twice        runs each seed twice; the traces must be the same\n";

struct Wanted {
  std::uint64_t from = 1, count = 20;
  bool verbose = false, first = false, twice = false;
  std::string listed;
};

bool parse(int argc, char** argv, Wanted& wanted) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    const auto number = [&] { return i + 1 < argc ? std::strtoull(argv[++i], nullptr, 10) : 0; };
    if (arg == "--seeds") {
      wanted.count = number();
    } else if (arg == "--from") {
      wanted.from = number();
    } else if (arg == "--seed") {
      wanted.from = number();
      wanted.count = 1;
      wanted.verbose = true;
    } else if (arg == "--listed" && i + 1 < argc) {
      wanted.listed = argv[++i];
    } else if (arg == "--first") {
      wanted.first = true;
    } else if (arg == "--twice") {
      wanted.twice = true;
    } else {
      return false;
    }
  }
  return true;
}

/// The seeds to run; none when the list cannot be read.
std::vector<std::uint64_t> seeds_of(const Wanted& wanted) {
  std::vector<std::uint64_t> seeds;
  if (wanted.listed.empty()) {
    for (std::uint64_t i = 0; i < wanted.count; ++i) seeds.push_back(wanted.from + i);
    return seeds;
  }
  std::ifstream file(wanted.listed);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') seeds.push_back(std::strtoull(line.c_str(), nullptr, 10));
  }
  return seeds;
}

fieldpost::sim::RunResult run(std::uint64_t seed, const Wanted& wanted) {
  const auto weather = fieldpost::sim::weather_of(seed);
  auto result = fieldpost::sim::run_delivery(seed, weather, wanted.verbose);
  if (wanted.twice &&
      fieldpost::sim::run_delivery(seed, weather, wanted.verbose).trace_hash != result.trace_hash) {
    result.faults.push_back("the same seed gives another trace");
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  Wanted wanted;
  const bool understood = parse(argc, argv, wanted);
  const std::vector<std::uint64_t> seeds = seeds_of(wanted);
  if (!understood || seeds.empty()) {
    fmt::print(stderr, "{}", kUsage);
    return 2;
  }
  std::uint64_t failed = 0, fed = 0, stored = 0, gapped = 0;
  for (const std::uint64_t seed : seeds) {
    const auto result = run(seed, wanted);
    fed += result.fed;
    stored += result.stored;
    gapped += result.gapped;
    if (wanted.verbose) fmt::print("seed {}: {}\n", seed, result.summary);
    if (result.faults.empty()) continue;
    failed += 1;
    fmt::print("seed {} FAILED: {}\n", seed, wanted.verbose ? "" : result.summary);
    for (const auto& fault : result.faults) fmt::print("    {}\n", fault);
    std::fflush(stdout);
    if (wanted.first) break;
  }
  fmt::print("{} seeds, {} failed; {} readings fed, {} stored, {} in gaps\n", seeds.size(), failed,
             fed, stored, gapped);
  return failed == 0 ? 0 : 1;
}
