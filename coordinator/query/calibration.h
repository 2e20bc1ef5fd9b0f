#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace fieldpost::coordinator {

inline constexpr std::size_t kCalibrationTermsMax = 16;

/// What makes a measured value a physical one: c0 + c1·x + c2·x² + … in doubles. Applied to what is
/// shown and exported; what is stored stays as it was measured. No coefficients: nothing is done.
struct Calibration {
  std::vector<double> coefficients;

  bool operator==(const Calibration&) const = default;
  [[nodiscard]] bool is_none() const { return coefficients.empty(); }
  /// At most c0 + c1·x: it keeps or turns round the order of values, and sums follow from sums.
  [[nodiscard]] bool is_linear() const { return coefficients.size() <= 2; }
  [[nodiscard]] double apply(double value) const {
    if (is_none()) return value;
    auto c = coefficients.rbegin();
    double sum = *c;  // no zero times a value, which of an infinity would be NaN
    while (++c != coefficients.rend()) sum = sum * value + *c;
    return sum;
  }
};

/// Of series by id; those that are not in it have none.
using Calibrations = std::map<std::int64_t, Calibration>;
[[nodiscard]] inline const Calibration& calibration_of(const Calibrations& all,
                                                       std::int64_t series) {
  static const Calibration kNone;
  const auto found = all.find(series);
  return found == all.end() ? kNone : found->second;
}

}  // namespace fieldpost::coordinator
