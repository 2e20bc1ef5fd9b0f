#pragma once

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kSeriesPerQuestionMax = 1000;
inline constexpr std::size_t kReadingsDefault = 10'000;  ///< of one page of JSON
inline constexpr std::size_t kReadingsMax = 100'000;
inline constexpr std::size_t kPointsDefault = 1000;  ///< buckets of one series
inline constexpr std::size_t kPointsMax = 10'000;
inline constexpr std::size_t kBucketsMax = 200'000;  ///< of one answer

/// /api/v1/series, /api/v1/readings
void add_readings_routes(Router& router, Services& services);

}  // namespace fieldpost::coordinator
