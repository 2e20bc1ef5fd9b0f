#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/experiments/json_fields.h"
#include "coordinator/query/time_range.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

enum class SampleFormat : std::uint8_t { kParquet, kCsv, kJsonLines };
[[nodiscard]] std::string_view to_string(SampleFormat format);     ///< "parquet"
[[nodiscard]] std::string_view extension_of(SampleFormat format);  ///< without the dot

inline constexpr std::size_t kExportNamesMax = 10'000;

/// Which of an experiment's readings, and as what.
struct ExportRequest {
  SampleFormat format = SampleFormat::kParquet;
  TimeRange range;                               ///< of readings, beside the recordings'
  std::vector<std::string> participants, tasks;  ///< ids or names; none: all
  std::vector<std::string> sensors;              ///< names; none: all that are on
  bool corrected = true;  ///< times of wrong clocks are put right where it is known how
};

/// Complains about what is wrong.
[[nodiscard]] ExportRequest read_export_request(JsonFields& fields);
/// What `encode` made.
rt::Result<ExportRequest> decode_export_request(std::string_view json);
[[nodiscard]] std::string encode(const ExportRequest& request);

}  // namespace fieldpost::coordinator
