#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "coordinator/parquet/statistics.h"

namespace fieldpost::coordinator::parquet {

/// Of integers and doubles. NaN is not among them: it is neither smaller nor larger.
template <typename T>
class Extent {
 public:
  void take(std::span<const T> values) {
    T least = least_;
    T most = most_;
    for (const T value : values) {
      least = value < least ? value : least;
      most = value > most ? value : most;
    }
    least_ = least;
    most_ = most;
  }
  /// Zeros of a double stand as -0.0 and +0.0, whichever they were. None of nothing.
  [[nodiscard]] std::optional<Bounds> bounds() const;

 private:
  using Limits = std::numeric_limits<T>;
  static constexpr T kHighest = Limits::has_infinity ? Limits::infinity() : Limits::max();
  static constexpr T kLowest = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();

  T least_ = kHighest;
  T most_ = kLowest;
};

/// Of texts, by their bytes.
class TextExtent {
 public:
  void take(std::string_view text);
  /// None when any text was longer than kStatisticBytesMax.
  [[nodiscard]] std::optional<Bounds> bounds() const;

 private:
  std::optional<Bounds> bounds_;
  bool too_long_ = false;
};

}  // namespace fieldpost::coordinator::parquet
