#include "coordinator/http/readings_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "coordinator/http/answers.h"
#include "coordinator/http/cursor.h"
#include "coordinator/http/readings_walk.h"
#include "coordinator/http/view_json.h"
#include "proto/rt/csv_text.h"
#include "proto/wire/rfc3339.h"

namespace fieldpost::coordinator {
namespace {

std::int64_t time_of(const Reading& reading, const ReadingsQuestion& question) {
  if (!question.offsets || reading.boot.is_zero()) return reading.time;
  const auto offset = question.offsets->find(reading.boot);
  if (offset == question.offsets->end()) return reading.time;
  std::int64_t corrected = 0;
  const bool fits = !__builtin_add_overflow(reading.time, offset->second, &corrected);
  return fits ? corrected : reading.time;
}

/// `{…series…,"readings":[` and later `]}`.
void open_item(std::string& out, const SeriesInfo& series, const Calibrations& calibrations,
               TimeFormat times) {
  if (!out.empty()) out += ',';
  out += to_json(series, calibrations, times);
  out.back() = ',';
  out += "\"readings\":[";
}

void append_pairs(std::string& out, const std::vector<Reading>& readings, wire::ValueType type,
                  const ReadingsQuestion& question) {
  for (const Reading& reading : readings) {
    if (out.back() == ']') out += ',';
    out += '[';
    append_time(out, time_of(reading, question), question.times);
    out += ',';
    append_value(out, type, reading.value, reading.text);
    out += ']';
  }
}

/// The columns between time and value; they are the same for all readings of a series.
std::string csv_middle(const SeriesInfo& series, const Calibrations* calibrations) {
  std::string tags;
  for (const auto& [key, value] : series.key.tags) {
    tags += (tags.empty() ? "" : ";") + key + "=" + value;
  }
  std::string out = fmt::format(",{},", series.id);
  for (const std::string& column : {series.node, series.key.measurement, tags, series.key.field}) {
    rt::append_csv_text(out, column);
    out += ',';
  }
  rt::append_csv_text(out, series.key.unit);
  out += ',';
  if (calibrations == nullptr) return out;
  const auto& coefficients = calibration_of(*calibrations, series.id).coefficients;
  return out += fmt::format("{},", fmt::join(coefficients, ";"));
}

void append_csv_value(std::string& out, wire::ValueType type, const Reading& reading) {
  if (type == wire::ValueType::kString) {
    rt::append_csv_text(out, reading.text);
  } else {
    append_value(out, type, reading.value, {});
  }
}

void append_csv(std::string& out, const std::vector<Reading>& readings, const SeriesInfo& series,
                const std::string& middle, const ReadingsQuestion& question) {
  for (const Reading& reading : readings) {
    const std::int64_t time = time_of(reading, question);
    if (question.times == TimeFormat::kNs) {
      fmt::format_to(std::back_inserter(out), "{}", time);
    } else {
      wire::append_rfc3339(out, {time});
    }
    out += middle;
    append_csv_value(out, series.key.type, reading);
    out += "\r\n";
  }
}

}  // namespace

rt::Result<std::vector<SeriesInfo>> find_series(ReadingQuery& query,
                                                const std::vector<SeriesId>& ids) {
  auto found = query.series_by_id(ids);
  if (!found) return found.error();
  std::vector<SeriesInfo> ordered;
  for (const SeriesId id : ids) {
    const auto it = std::find_if(found->begin(), found->end(),
                                 [&](const SeriesInfo& series) { return series.id == id; });
    if (it == found->end()) {
      return rt::Error{rt::Errc::kNotFound, fmt::format("there is no series {}", id)};
    }
    ordered.push_back(*it);
  }
  return ordered;
}

rt::Result<std::string> list_with_holes(ReadingQuery& query, const std::vector<SeriesId>& series,
                                        TimeRange range, TimeFormat times, std::string_view items,
                                        std::string_view next_cursor) {
  const auto holes = query.holes(series, range);
  if (!holes) return holes.error();
  std::string list = list_json(items, next_cursor);
  if (holes->empty()) return list;
  list.back() = ',';
  list += "\"deleted\":[";
  for (const Hole& hole : *holes) {
    if (list.back() == '}') list += ',';
    list += to_json(hole, times);
  }
  return list + "]}";
}

rt::Result<std::string> readings_json(ReadingQuery& query, const ReadingsQuestion& question) {
  auto infos = find_series(query, question.series);
  if (!infos) return infos.error();
  const Calibrations calibrations = calibrate(*infos, question.calibrating);
  std::string items;
  std::size_t open = SIZE_MAX;
  const auto take = [&](std::size_t index, const std::vector<Reading>& readings) {
    const SeriesInfo& series = (*infos)[index];
    if (open != index) {
      if (open != SIZE_MAX) items += "]}";
      open_item(items, series, calibrations, question.times);
      open = index;
    }
    append_pairs(items, readings, series.key.type, question);
  };
  const auto end = walk_readings(query, question, calibrations, take);
  if (!end) return end.error();
  if (open != SIZE_MAX) items += "]}";
  std::string next;
  if (!end->last) {
    next = make_number_cursor(kReadingsCursor,
                              {static_cast<std::int64_t>(end->next.index), end->next.from});
  }
  return list_with_holes(query, question.series, question.range, question.times, items, next);
}

rt::Result<CsvPage> readings_csv(ReadingQuery& query, const ReadingsQuestion& question) {
  auto infos = find_series(query, question.series);
  if (!infos) return infos.error();
  const Calibrations calibrations = calibrate(*infos, question.calibrating);
  const bool calibrated = question.calibrating != nullptr;
  CsvPage page;
  const bool first = question.place.index == 0 && question.place.from == INT64_MIN;
  if (first) page.text = "time,series,node,measurement,tags,field,unit,";
  if (first) page.text += calibrated ? "calibration,value\r\n" : "value\r\n";
  const auto take = [&](std::size_t index, const std::vector<Reading>& readings) {
    if (readings.empty()) return;
    const SeriesInfo& series = (*infos)[index];
    const std::string middle = csv_middle(series, calibrated ? &calibrations : nullptr);
    append_csv(page.text, readings, series, middle, question);
  };
  const auto end = walk_readings(query, question, calibrations, take);
  if (!end) return end.error();
  page.next = end->next;
  page.readings = end->readings;
  page.last = end->last;
  return page;
}

}  // namespace fieldpost::coordinator
