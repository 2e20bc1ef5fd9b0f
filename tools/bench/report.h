#pragma once

#include <string>
#include <vector>

namespace fieldpost::bench {

struct Row {
  std::string scenario;
  std::string what;
  double value = 0;
  std::string unit;
  std::string aim;  ///< empty: none is set
};

/// What was measured, in the order in which it was.
class Report {
 public:
  void add(std::string scenario, std::string what, double value, std::string unit,
           std::string aim = "");
  void print_table() const;
  void print_json() const;

 private:
  std::vector<Row> rows_;
};

/// The value that a part `share` (0 to 1) of all do not exceed; 0 without values.
[[nodiscard]] double quantile(std::vector<double> values, double share);

}  // namespace fieldpost::bench
