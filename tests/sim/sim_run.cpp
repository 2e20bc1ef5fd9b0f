// sim_run [--seeds N] [--from SEED] [--seed SEED]: runs the delivery simulation; prints failing
// seeds.
#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tests/sim/delivery_sim.h"

int main(int argc, char** argv) {
  std::uint64_t from = 1, count = 20;
  bool verbose = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    const auto value = [&] { return i + 1 < argc ? std::strtoull(argv[++i], nullptr, 10) : 0; };
    if (arg == "--seeds") {
      count = value();
    } else if (arg == "--from") {
      from = value();
    } else if (arg == "--seed") {
      from = value();
      count = 1;
      verbose = true;
    } else {
      fmt::print(stderr, "usage: sim_run [--seeds N] [--from SEED] [--seed SEED]\n");
      return 2;
    }
  }
  std::uint64_t failed = 0, fed = 0, stored = 0, gapped = 0;
  for (std::uint64_t seed = from; seed < from + count; ++seed) {
    const auto result =
        fieldpost::sim::run_delivery(seed, fieldpost::sim::weather_of(seed), verbose);
    fed += result.fed;
    stored += result.stored;
    gapped += result.gapped;
    if (verbose) fmt::print("seed {}: {}\n", seed, result.summary);
    if (result.faults.empty()) continue;
    failed += 1;
    fmt::print("seed {} FAILED: {}\n", seed, verbose ? "" : result.summary);
    for (const auto& fault : result.faults) fmt::print("    {}\n", fault);
  }
  fmt::print("{} seeds, {} failed; {} readings fed, {} stored, {} in gaps\n", count, failed, fed,
             stored, gapped);
  return failed == 0 ? 0 : 1;
}
