#include "coordinator/http/readings_routes.h"

#include <utility>

#include "coordinator/http/answers.h"
#include "coordinator/http/csv_export.h"
#include "coordinator/http/cursor.h"
#include "coordinator/http/readings_answer.h"
#include "coordinator/http/view_json.h"

namespace fieldpost::coordinator {
namespace {

constexpr char kSeriesCursor = 's';

rt::Result<std::string> series_json(ReadingQuery& query, const SeriesFilter& filter, SeriesId after,
                                    std::size_t limit, TimeFormat times) {
  const auto found = query.series(filter, after, limit + 1);
  if (!found) return found.error();
  std::string items;
  std::string next;
  std::size_t count = 0;
  for (const SeriesInfo& series : *found) {
    if (count++ == limit) {
      next = make_number_cursor(kSeriesCursor, {(*found)[limit - 1].id});
      break;
    }
    items += (items.empty() ? "" : ",") + to_json(series, times);
  }
  return list_json(items, next);
}

rt::Result<std::string> series_by_id_json(ReadingQuery& query, const std::vector<SeriesId>& ids,
                                          TimeFormat times) {
  const auto found = find_series(query, ids);
  if (!found) return found.error();
  std::string items;
  for (const SeriesInfo& series : *found)
    items += (items.empty() ? "" : ",") + to_json(series, times);
  return list_json(items, "");
}

void list_series(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const SeriesFilter filter = filter_of(parameters);
  const std::size_t limit = parameters.count("limit", kPageDefault, kPageMax);
  const TimeFormat times = parameters.times();
  SeriesId after = 0;
  if (const std::string cursor = parameters.text("cursor"); !cursor.empty()) {
    const auto place = read_number_cursor(kSeriesCursor, cursor, 1);
    if (place) after = place->front();
    if (!place) parameters.complain("cursor", "expected a next_cursor of /api/v1/series");
  }
  const auto ids = parameters.series(kSeriesPerQuestionMax);
  if (refuse_bad(parameters, *call.responder)) return;
  if (!ids.empty()) {
    return services.desk.ask<std::string>(
        [ids, times](ReadingQuery& query) { return series_by_id_json(query, ids, times); },
        answer_json(std::move(call.responder)));
  }
  services.desk.ask<std::string>(
      [=](ReadingQuery& query) { return series_json(query, filter, after, limit, times); },
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
  question.limit = parameters.count("limit", kReadingsDefault, csv ? SIZE_MAX : kReadingsMax);
  question.place = place_of(parameters, question.series.size());
  if (csv && parameters.has("cursor")) parameters.complain("cursor", "CSV comes in one piece");
  if (refuse_bad(parameters, *call.responder)) return;
  if (csv) {
    const std::uint64_t most = limited ? question.limit : UINT64_MAX;
    return export_csv(services.desk, std::move(question), most, std::move(call.responder));
  }
  services.desk.ask<std::string>(
      [question = std::move(question)](ReadingQuery& query) {
        return readings_json(query, question);
      },
      answer_json(std::move(call.responder)));
}

}  // namespace

void add_readings_routes(Router& router, Services& services) {
  router.add("GET", "/api/v1/series",
             [&services](Call call) { list_series(services, std::move(call)); });
  router.add("GET", "/api/v1/readings",
             [&services](Call call) { list_readings(services, std::move(call)); });
}

}  // namespace fieldpost::coordinator
