#include "coordinator/http/readings_routes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "coordinator/http/answers.h"
#include "coordinator/http/calibrated_answer.h"
#include "coordinator/http/csv_export.h"
#include "coordinator/http/cursor.h"
#include "coordinator/http/readings_answer.h"
#include "coordinator/http/view_json.h"

namespace fieldpost::coordinator {
namespace {

constexpr char kSeriesCursor = 's';

struct SeriesQuestion {
  std::vector<SeriesId> ids;  ///< empty: all that match the filter
  SeriesFilter filter;
  std::int64_t after = 0;  ///< an id, or of named ids how many were looked at
  std::size_t limit = 0;
  TimeFormat times = TimeFormat::kRfc3339;
};

/// `after`: what the next page begins after; none: there is none.
std::string series_page(const std::vector<SeriesInfo>& found, const SeriesQuestion& question,
                        std::optional<std::int64_t> after) {
  std::string items;
  for (const SeriesInfo& series : found)
    items += (items.empty() ? "" : ",") + to_json(series, question.times);
  return list_json(items, after ? make_number_cursor(kSeriesCursor, {*after}) : "");
}

rt::Result<std::string> all_series_json(ReadingQuery& query, const SeriesQuestion& question) {
  auto found = query.series(question.filter, question.after, question.limit + 1);
  if (!found) return found.error();
  std::optional<std::int64_t> after;
  if (found->size() > question.limit) {
    found->resize(question.limit);
    after = found->back().id;
  }
  return series_page(*found, question, after);
}

rt::Result<std::string> named_series_json(ReadingQuery& query, const SeriesQuestion& question) {
  const auto found = find_series(query, question.ids);
  if (!found) return found.error();
  std::vector<SeriesInfo> page;
  auto at = std::min(static_cast<std::size_t>(question.after), found->size());
  for (; at < found->size() && page.size() < question.limit; ++at) {
    if (matches((*found)[at], question.filter)) page.push_back((*found)[at]);
  }
  const bool more = at < found->size();
  return series_page(page, question,
                     more ? std::optional(static_cast<std::int64_t>(at)) : std::nullopt);
}

void list_series(Services& services, Call call) {
  Parameters parameters(call.request.target);
  SeriesQuestion question;
  question.filter = filter_of(parameters);
  question.limit = parameters.limit(kPageDefault, kPageMax);
  question.times = parameters.times();
  if (const std::string cursor = parameters.text("cursor"); !cursor.empty()) {
    const auto place = read_number_cursor(kSeriesCursor, cursor, 1);
    const bool right = place && place->front() >= 0;
    if (right) question.after = place->front();
    if (!right) parameters.complain("cursor", "expected a next_cursor of /api/v1/series");
  }
  question.ids = parameters.series(kSeriesPerQuestionMax);
  if (refuse_bad(parameters, *call.responder)) return;
  services.desk.ask<std::string>(
      [question = std::move(question)](ReadingQuery& query) {
        return question.ids.empty() ? all_series_json(query, question)
                                    : named_series_json(query, question);
      },
      answer_json(std::move(call.responder)));
}

ReadingsPlace place_of(Parameters& parameters, std::size_t series_count) {
  const std::string cursor = parameters.text("cursor");
  if (cursor.empty()) return {};
  const auto numbers = read_number_cursor(kReadingsCursor, cursor, 2);
  const bool fits =
      numbers && numbers->at(0) >= 0 && static_cast<std::size_t>(numbers->at(0)) < series_count;
  if (fits) return {static_cast<std::size_t>(numbers->at(0)), numbers->at(1)};
  parameters.complain("cursor", "expected a next_cursor of /api/v1/readings for the same series");
  return {};
}

std::vector<SeriesId> needed_series(Parameters& parameters) {
  auto series = parameters.series(kSeriesPerQuestionMax);
  if (series.empty()) parameters.complain("series", "expected at least one id of a series");
  return series;
}

void list_readings(Services& services, Call call) {
  Parameters parameters(call.request.target);
  ReadingsQuestion question;
  question.series = needed_series(parameters);
  std::tie(question.range.from, question.range.to) = parameters.range();
  question.times = parameters.times();
  const bool csv = parameters.choice("format", {"json", "csv"}) == 1;
  const bool corrected = parameters.choice("time", {"stored", "corrected"}) == 1;
  if (corrected) question.offsets = services.view.boot_offsets();
  const bool limited = parameters.has("limit");
  question.limit = parameters.limit(kReadingsDefault, csv ? SIZE_MAX : kReadingsMax);
  question.place = place_of(parameters, question.series.size());
  if (csv && !parameters.text("cursor").empty()) {
    parameters.complain("cursor", "CSV comes in one piece");
  }
  const CalibrationChoice choice = calibration_choice(parameters);
  if (refuse_bad(parameters, *call.responder)) return;
  const std::uint64_t csv_most = limited ? question.limit : UINT64_MAX;
  find_calibrating(
      services, choice, call.responder,
      [&services, question, csv, csv_most, responder = call.responder](Calibrating by) mutable {
        question.calibrating = std::move(by);
        if (csv) return export_csv(services.desk, std::move(question), csv_most, responder);
        services.desk.ask<std::string>(
            [question = std::move(question)](ReadingQuery& query) {
              return readings_json(query, question);
            },
            answer_json(responder));
      });
}

}  // namespace

void add_readings_routes(Router& router, Services& services) {
  router.add("GET", "/api/v1/series",
             [&services](Call call) { list_series(services, std::move(call)); });
  router.add("GET", "/api/v1/readings",
             [&services](Call call) { list_readings(services, std::move(call)); });
}

}  // namespace fieldpost::coordinator
