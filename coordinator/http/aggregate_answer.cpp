#include "coordinator/http/aggregate_answer.h"

#include <fmt/format.h>

#include <iterator>
#include <map>
#include <utility>

#include "coordinator/http/answers.h"
#include "coordinator/http/readings_answer.h"
#include "coordinator/http/readings_routes.h"
#include "coordinator/http/view_json.h"
#include "proto/rt/json_text.h"

namespace fieldpost::coordinator {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kTagPrefix = "tag.";

std::vector<SeriesId> ids_of(const std::vector<SeriesInfo>& series) {
  std::vector<SeriesId> ids;
  for (const SeriesInfo& info : series) ids.push_back(info.id);
  return ids;
}

/// What a label of a series says; empty where it has no such tag.
std::string label_of(const SeriesInfo& series, const std::string& label) {
  if (label == "node") return series.node;
  if (label == "measurement") return series.key.measurement;
  if (label == "field") return series.key.field;
  for (const auto& [key, value] : series.key.tags) {
    if (key == std::string_view(label).substr(kTagPrefix.size())) return value;
  }
  return {};
}

Labels labels_of(const SeriesInfo& series, const std::vector<std::string>& group_by) {
  Labels labels;
  for (const std::string& label : group_by) labels.emplace_back(label, label_of(series, label));
  return labels;
}

/// Of changes a second. Units are kept as text: fieldpost computes nothing with them.
std::string derived_unit(const std::string& unit, Derived of) {
  if (of == Derived::kNone) return unit;
  return unit.empty() ? "1/s" : unit + "/s";
}

void append_bucket(std::string& out, const Bucket& bucket, TimeFormat times) {
  out += out.back() == ']' ? ",[" : "[";
  append_time(out, bucket.time, times);
  fmt::format_to(std::back_inserter(out), ",{}", bucket.count);
  for (const double value : {bucket.min, bucket.max, bucket.mean, bucket.first, bucket.last}) {
    out += ',';
    append_double(out, value);
  }
  out += ']';
}

/// `…,"buckets":[…]}` behind an object that ends in `}`.
void add_buckets(std::string& item, const std::vector<Bucket>& buckets, TimeFormat times) {
  item.back() = ',';
  item += "\"buckets\":[";
  for (const Bucket& bucket : buckets) append_bucket(item, bucket, times);
  item += "]}";
}

/// Series that are put together, with their buckets.
struct Group {
  std::vector<SeriesId> series;
  std::string unit;  ///< empty when they differ
  std::vector<Bucket> buckets;
};

std::string group_json(const Labels& labels, const Group& group, const Calibrations* calibrations) {
  std::string out = "{\"group\":{";
  for (const auto& [label, value] : labels) {
    if (out.back() != '{') out += ',';
    rt::append_json_string(out, label);
    out += ':';
    rt::append_json_string(out, value);
  }
  out += "},\"series\":[";
  out += fmt::format("{}", fmt::join(group.series, ","));
  out += "],\"unit\":";
  if (group.unit.empty()) {
    out += "null";
  } else {
    rt::append_json_string(out, group.unit);
  }
  if (calibrations == nullptr) return out + "}";
  out += ",\"calibrations\":[";
  for (const SeriesId id : group.series) {
    if (out.back() != '[') out += ',';
    out += calibration_json(calibration_of(*calibrations, id));
  }
  return out + "]}";
}

/// Fills answers of one question, one bucket grid for all that it compares.
class Aggregation {
 public:
  Aggregation(ReadingQuery& query, const AggregateQuestion& question, const Calibrating& by)
      : query_(query), question_(question), by_(by) {}

  rt::Result<std::string> answer() {
    auto series = choose_series(query_, question_.series);
    if (!series) return series.error();
    // Strings that a filter happens to match have no buckets; one that is named is a mistake.
    const bool named = !question_.series.ids.empty();
    std::erase_if(*series, [named](const SeriesInfo& info) {
      return !named && info.key.type == wire::ValueType::kString;
    });
    calibrations_ = calibrate(*series, by_);
    return question_.group_by.empty() ? each(*series) : grouped(*series);
  }

 private:
  rt::Result<std::string> each(const std::vector<SeriesInfo>& series) {
    std::string items;
    for (SeriesInfo info : series) {
      if (auto done = lay_grid({info.id}, series.size()); !done) return done.error();
      const auto buckets = read(info.id);
      if (!buckets) return buckets.error();
      info.key.unit = derived_unit(info.key.unit, question_.of);
      if (!items.empty()) items += ',';
      items += to_json(info, calibrations_, question_.times);
      add_buckets(items, fill(*buckets, grid_, question_.fill), question_.times);
    }
    return list_with_holes(query_, ids_of(series), question_.range, question_.times, items, "");
  }

  rt::Result<std::string> grouped(const std::vector<SeriesInfo>& series) {
    if (auto done = lay_grid(ids_of(series), series.size()); !done) return done.error();
    std::map<Labels, Group> groups;
    for (const SeriesInfo& info : series) {
      const auto buckets = read(info.id);
      if (!buckets) return buckets.error();
      const std::string unit = derived_unit(info.key.unit, question_.of);
      Group& group = groups[labels_of(info, question_.group_by)];
      group.unit = group.series.empty() || group.unit == unit ? unit : "";
      group.series.push_back(info.id);
      group.buckets = merge(group.buckets, *buckets);
    }
    std::string items;
    for (const auto& [labels, group] : groups) {
      if (!items.empty()) items += ',';
      items += group_json(labels, group, by_ == nullptr ? nullptr : &calibrations_);
      add_buckets(items, fill(group.buckets, grid_, question_.fill), question_.times);
    }
    return list_with_holes(query_, ids_of(series), question_.range, question_.times, items, "");
  }

  rt::Status lay_grid(const std::vector<SeriesId>& ids, std::size_t series) {
    const auto range = query_.close(ids, question_.range);
    if (!range) return range.error();
    range_ = *range;
    const auto grid = question_.width ? BucketGrid::align(*range, *question_.width)
                                      : BucketGrid::split(*range, question_.points);
    if (!grid) return grid.error();
    grid_ = *grid;
    if (grid_.count * series <= kBucketsMax) return rt::ok();
    return rt::Error{rt::Errc::kInvalid,
                     fmt::format("{} series of {} buckets: at most {} buckets are given at once",
                                 series, grid_.count, kBucketsMax)};
  }

  rt::Result<std::vector<Bucket>> read(SeriesId id) {
    return query_.aggregate(id, range_, grid_, question_.of, calibrations_);
  }

  ReadingQuery& query_;
  const AggregateQuestion& question_;
  const Calibrating& by_;
  Calibrations calibrations_;
  TimeRange range_;
  BucketGrid grid_;
};

}  // namespace

rt::Result<std::vector<SeriesInfo>> choose_series(ReadingQuery& query, const SeriesChoice& choice) {
  if (!choice.ids.empty()) return find_series(query, choice.ids);
  auto found = query.series(choice.filter, 0, kSeriesPerQuestionMax + 1);
  if (!found || found->size() <= kSeriesPerQuestionMax) return found;
  return rt::Error{rt::Errc::kInvalid,
                   fmt::format("more than {} series match: narrow the question by node, "
                               "measurement, field or tag.*",
                               kSeriesPerQuestionMax)};
}

rt::Result<std::string> aggregate_json(ReadingQuery& query, const AggregateQuestion& question,
                                       const Calibrating& by) {
  return Aggregation(query, question, by).answer();
}

rt::Result<std::string> last_json(ReadingQuery& query, const SeriesChoice& choice,
                                  const Calibrating& by, TimeFormat times) {
  auto series = choose_series(query, choice);
  if (!series) return series.error();
  const Calibrations calibrations = calibrate(*series, by);
  const auto last = query.last(ids_of(*series), calibrations);
  if (!last) return last.error();
  std::string items;
  auto info = series->begin();
  for (const auto& [id, reading] : *last) {  // in the order of the ids
    while (info->id != id) ++info;
    if (!items.empty()) items += ',';
    items += to_json(*info, calibrations, times);
    items.back() = ',';
    items += "\"time\":";
    append_time(items, reading.time, times);
    items += ",\"value\":";
    append_value(items, info->key.type, reading.value, reading.text);
    items += '}';
  }
  return list_json(items, "");
}

}  // namespace fieldpost::coordinator
