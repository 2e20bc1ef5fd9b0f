#include "tools/bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

namespace fieldpost::bench {

void Report::add(std::string scenario, std::string what, double value, std::string unit,
                 std::string aim) {
  fmt::print(stderr, "{}: {} {:.6g} {}\n", scenario, what, value, unit);
  rows_.push_back({std::move(scenario), std::move(what), value, std::move(unit), std::move(aim)});
}

void Report::print_table() const {
  fmt::print("{:<22} {:<52} {:>12} {:<16} {}\n", "scenario", "what", "measured", "unit", "aim");
  for (const Row& row : rows_) {
    const std::string value = std::abs(row.value) >= 1000 ? fmt::format("{:.0f}", row.value)
                                                          : fmt::format("{:.3g}", row.value);
    fmt::print("{:<22} {:<52} {:>12} {:<16} {}\n", row.scenario, row.what, value, row.unit,
               row.aim);
  }
}

void Report::print_json() const {
  auto out = nlohmann::ordered_json::array();
  for (const Row& row : rows_) {
    out.push_back({{"scenario", row.scenario},
                   {"what", row.what},
                   {"value", row.value},
                   {"unit", row.unit},
                   {"aim", row.aim}});
  }
  fmt::print("{}\n", out.dump(2));
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto last = static_cast<double>(values.size() - 1);
  return values[static_cast<std::size_t>(std::llround(share * last))];
}

}  // namespace fieldpost::bench
