#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/bench/lab.h"
#include "tools/load/check.h"
#include "tools/load/plan.h"
#include "tools/load/played.h"

namespace fieldpost::load {

/// One plan, played and checked.
struct Run {
  Plan plan;
  Played played;
  Check check;
  double driver_cpu_s = 0;                      ///< of this program while it played
  std::map<bench::Role, bench::Usage> daemons;  ///< of those started for it; empty with --url
};

/// One line, while more runs follow.
[[nodiscard]] std::string describe(const Run& run);
/// A table for single samples and one for batches, in the form of docs/performance.md.
[[nodiscard]] std::string as_tables(const std::vector<Run>& runs);
[[nodiscard]] std::string as_json(const std::vector<Run>& runs);

/// Whether all that was accepted is stored once, and nothing went wrong but refusals.
[[nodiscard]] bool is_good(const Run& run);

}  // namespace fieldpost::load
