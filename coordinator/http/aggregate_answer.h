#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/http/calibrated_answer.h"
#include "coordinator/http/parameters.h"
#include "coordinator/query/reading_query.h"

/// Buckets of series and of groups of them, made on the worker that asks the store.
namespace fieldpost::coordinator {

/// Which series a question is about: these ids, or, without any, all that the filter matches.
struct SeriesChoice {
  std::vector<SeriesId> ids;
  SeriesFilter filter;
};
/// In the order of the ids. kNotFound names the first unknown one; kInvalid: the filter matches
/// more than kSeriesPerQuestionMax.
[[nodiscard]] rt::Result<std::vector<SeriesInfo>> choose_series(ReadingQuery& query,
                                                                const SeriesChoice& choice);

struct AggregateQuestion {
  SeriesChoice series;
  TimeRange range;
  std::size_t points = 0;  ///< unless there is a width
  std::optional<std::uint64_t> width;
  Derived of = Derived::kNone;
  Fill fill;
  /// "node", "measurement", "field" or "tag.KEY"; empty: each series for itself.
  std::vector<std::string> group_by;
  TimeFormat times = TimeFormat::kRfc3339;
};

/// Series of strings are left out of what a filter matches. kInvalid for one that is named, and for
/// more buckets than one answer holds. Calibrated series say how they are, also in groups.
[[nodiscard]] rt::Result<std::string> aggregate_json(ReadingQuery& query,
                                                     const AggregateQuestion& question,
                                                     const Calibrating& by);

/// The last reading of each series, with the series; those without readings are left out.
[[nodiscard]] rt::Result<std::string> last_json(ReadingQuery& query, const SeriesChoice& series,
                                                const Calibrating& by, TimeFormat times);

}  // namespace fieldpost::coordinator
