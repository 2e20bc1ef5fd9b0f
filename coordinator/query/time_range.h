#pragma once

#include <cstdint>

namespace fieldpost::coordinator {

struct TimeRange {
  std::int64_t from = INT64_MIN;  ///< included
  std::int64_t to = INT64_MAX;    ///< excluded
};

}  // namespace fieldpost::coordinator
