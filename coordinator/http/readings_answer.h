#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/http/calibrated_answer.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/views.h"
#include "coordinator/query/reading_query.h"

/// Answers about readings, made on the worker that asks the store.
namespace fieldpost::coordinator {

inline constexpr char kReadingsCursor = 'r';

/// A place in the readings of several series, one series after the other.
struct ReadingsPlace {
  std::size_t index = 0;  ///< of the series
  std::int64_t from = INT64_MIN;
};

struct ReadingsQuestion {
  std::vector<SeriesId> series;
  TimeRange range;
  ReadingsPlace place;
  std::size_t limit = 0;  ///< readings at most, unless more than that have one and the same time
  TimeFormat times = TimeFormat::kRfc3339;
  std::shared_ptr<const BootOffsets> offsets;  ///< null: times as they are stored
  Calibrating calibrating;
};

/// A list as `list_json` makes it; with a member `deleted` when the range lacks readings of these
/// series because they were deleted.
[[nodiscard]] rt::Result<std::string> list_with_holes(ReadingQuery& query,
                                                      const std::vector<SeriesId>& series,
                                                      TimeRange range, TimeFormat times,
                                                      std::string_view items,
                                                      std::string_view next_cursor);

/// A list of series with their readings; those that are calibrated say how. kNotFound names the
/// first unknown series.
[[nodiscard]] rt::Result<std::string> readings_json(ReadingQuery& query,
                                                    const ReadingsQuestion& question);

struct CsvPage {
  /// Lines of RFC 4180; the first page begins with the header line. With a column `calibration`
  /// where calibrated values were asked for.
  std::string text;
  ReadingsPlace next;
  std::size_t readings = 0;
  bool last = false;
};
[[nodiscard]] rt::Result<CsvPage> readings_csv(ReadingQuery& query,
                                               const ReadingsQuestion& question);

/// Series of these ids, in this order. kNotFound names the first unknown one.
[[nodiscard]] rt::Result<std::vector<SeriesInfo>> find_series(ReadingQuery& query,
                                                              const std::vector<SeriesId>& ids);

}  // namespace fieldpost::coordinator
