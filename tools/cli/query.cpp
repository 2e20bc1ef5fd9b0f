#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "tools/cli/progress.h"
#include "tools/cli/query_output.h"
#include "tools/cli/verbs.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kSeriesAtOnce = 200;  // ids in one address
constexpr std::uint64_t kPageReadings = 50'000;
constexpr std::size_t kGroupedMax = 1000;       // series that the coordinator joins at once
constexpr std::uint64_t kBucketsMax = 200'000;  // what the coordinator gives in one answer

std::string range_query(const QueryOptions& options) {
  std::string query;
  if (!options.from.empty()) query += "&from=" + encode_query(options.from);
  if (!options.to.empty()) query += "&to=" + encode_query(options.to);
  return query;
}

std::string calibration_query(const QueryOptions& options) {
  std::string query;
  if (!options.calibrated.empty()) query += "&calibrated=" + encode_query(options.calibrated);
  if (!options.calibrated_by.empty()) {
    query += "&calibrated_by=" + encode_query(options.calibrated_by);
  }
  return query;
}

/// "series=1,2,3" for as many series as go into one question.
std::vector<std::string> split_ids(const std::vector<Json>& series, std::size_t most) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (i % most == 0) parts.emplace_back("series=");
    if (i % most != 0) parts.back() += ",";
    parts.back() += series[i].at("id").dump();
  }
  return parts;
}

std::string bucket_query(const BucketOptions& buckets) {
  std::string query = buckets.points > 0 ? fmt::format("&points={}", buckets.points)
                                         : "&width=" + encode_query(buckets.width);
  if (!buckets.of.empty()) query += "&of=" + buckets.of;
  if (!buckets.fill.empty()) query += "&fill=" + encode_query(buckets.fill);
  if (!buckets.group_by.empty()) {
    query += "&group_by=" + encode_query(fmt::format("{}", fmt::join(buckets.group_by, ",")));
  }
  return query;
}

/// How many series one question may name.
std::size_t series_at_once(const BucketOptions& buckets) {
  if (!buckets.group_by.empty()) return kGroupedMax;
  if (buckets.points == 0) return kSeriesAtOnce;
  return static_cast<std::size_t>(
      std::clamp<std::uint64_t>(kBucketsMax / buckets.points, 1, kSeriesAtOnce));
}

rt::Status query_buckets(Context& context, const QueryOptions& options,
                         const std::vector<Json>& series, QueryOutput& output) {
  const BucketOptions& buckets = options.buckets;
  if (!buckets.group_by.empty() && series.size() > kGroupedMax) {
    return rt::Error{rt::Errc::kInvalid,
                     fmt::format("{} series match, and at most {} can be joined: narrow them by "
                                 "--node, --measurement, --field or --tag",
                                 series.size(), kGroupedMax)};
  }
  for (const std::string& ids : split_ids(series, series_at_once(buckets))) {
    const auto page =
        fetch_json(context, "/api/v1/readings/aggregate?" + ids + bucket_query(buckets) +
                                range_query(options) + calibration_query(options));
    if (!page) return page.error();
    for (const Json& item : page->at("items")) {
      if (!output.add_buckets(item)) return rt::ok();
    }
  }
  return rt::ok();
}

rt::Status query_last(Context& context, const QueryOptions& options,
                      const std::vector<Json>& series, QueryOutput& output) {
  for (const std::string& ids : split_ids(series, kSeriesAtOnce)) {
    const auto page =
        fetch_json(context, "/api/v1/readings/last?" + ids + calibration_query(options));
    if (!page) return page.error();
    for (const Json& item : page->at("items")) {
      if (!output.add_last(item)) return rt::ok();
    }
  }
  return rt::ok();
}

/// What cannot go together.
rt::Status check(const QueryOptions& options) {
  const BucketOptions& buckets = options.buckets;
  const bool bucketed = !buckets.of.empty() || !buckets.fill.empty() || !buckets.group_by.empty();
  if (bucketed && !buckets.wanted()) {
    return rt::Error{rt::Errc::kInvalid,
                     "--of, --fill and --group-by are about buckets: add --points or --width"};
  }
  if (options.last && (buckets.wanted() || !options.from.empty() || !options.to.empty())) {
    return rt::Error{rt::Errc::kInvalid,
                     "--last shows the last reading there is: without range or buckets"};
  }
  return rt::ok();
}

/// What is left to fetch of all readings, and how far that is.
class Quota {
 public:
  Quota(const Context& context, std::uint64_t limit, std::optional<std::uint64_t> expected)
      : left_(limit == 0 ? UINT64_MAX : limit), expected_(expected) {
    if (!context.out_terminal) progress_.emplace(context, "readings");
  }
  [[nodiscard]] std::uint64_t left() const { return left_; }
  [[nodiscard]] bool limited() const { return left_ != UINT64_MAX; }

  void take(std::uint64_t readings) {
    if (limited()) left_ -= std::min(left_, readings);
    taken_ += readings;
    if (!progress_) return;
    const auto part = [this] {
      return static_cast<double>(taken_) / static_cast<double>(*expected_);
    };
    progress_->show(taken_, expected_ ? std::optional(part()) : std::nullopt);
  }

 private:
  std::uint64_t left_;
  std::optional<std::uint64_t> expected_;
  std::uint64_t taken_ = 0;
  std::optional<Progress> progress_;  ///< of what goes elsewhere than to a screen
};

/// How many readings there will be, if that is known beforehand.
std::optional<std::uint64_t> expected_readings(const QueryOptions& options,
                                               const std::vector<Json>& series) {
  if (!options.from.empty() || !options.to.empty()) return std::nullopt;
  std::uint64_t count = 0;
  for (const Json& one : series) count += one.at("count").get<std::uint64_t>();
  if (options.limit != 0) count = std::min(count, options.limit);
  return count == 0 ? std::nullopt : std::optional(count);
}

/// Pages of JSON until the limit or the end.
rt::Status query_pages(Context& context, const std::string& path, Quota& quota,
                       QueryOutput& output) {
  std::string cursor;
  while (quota.left() > 0) {
    const auto page = fetch_json(
        context, fmt::format("{}&limit={}{}", path, std::min(quota.left(), kPageReadings),
                             cursor.empty() ? "" : "&cursor=" + cursor));
    if (!page) return page.error();
    for (const Json& item : page->at("items")) {
      quota.take(item.at("readings").size());
      if (!output.add_readings(item)) return rt::ok();
    }
    if (!page->at("next_cursor").is_string()) return rt::ok();
    cursor = encode_query(page->at("next_cursor").get<std::string>());
  }
  return rt::ok();
}

rt::Status query_csv(Context& context, const std::string& path, Quota& quota, bool first) {
  bool in_header = true;
  const std::string limit = quota.limited() ? fmt::format("&limit={}", quota.left()) : "";
  const auto done = fetch_good(
      context.fetcher,
      {.path = path + "&format=csv" + limit, .on_data = [&](std::string_view text) {
         const auto lines = std::count(text.begin(), text.end(), '\n');
         quota.take(static_cast<std::uint64_t>(lines) - (in_header && lines > 0 ? 1 : 0));
         if (in_header && !first) {
           const std::size_t end = text.find('\n');
           if (end == std::string_view::npos) return true;
           text.remove_prefix(end + 1);
         }
         if (lines > 0) in_header = false;
         return context.print(text);
       }});
  return done ? rt::ok() : rt::Status(done.error());
}

rt::Status query_readings(Context& context, const QueryOptions& options,
                          const std::vector<Json>& series, QueryOutput& output) {
  Quota quota(context, options.limit, expected_readings(options, series));
  bool first = true;
  for (const std::string& ids : split_ids(series, kSeriesAtOnce)) {
    if (quota.left() == 0) break;
    const std::string path = "/api/v1/readings?" + ids + range_query(options) +
                             (options.corrected ? "&time=corrected" : "") +
                             calibration_query(options);
    const auto done = options.format == QueryFormat::kCsv
                          ? query_csv(context, path, quota, first)
                          : query_pages(context, path, quota, output);
    if (!done) return done;
    first = false;
  }
  return rt::ok();
}

}  // namespace

int run_query(Context& context, const QueryOptions& options) {
  if (const auto sound = check(options); !sound) {
    context.fail(sound.error());
    return kExitUsage;
  }
  const auto series = find_series(context, options.choice);
  if (!series) return context.fail(series.error());
  if (series->empty()) {
    return context.fail(
        {rt::Errc::kNotFound, "no series matches: \"fieldpost series\" lists them"});
  }
  const QueryFormat format = context.json ? QueryFormat::kJson : options.format;
  QueryOptions chosen = options;
  chosen.format = format;
  QueryOutput output(context, format);
  const auto done = options.last               ? query_last(context, chosen, *series, output)
                    : options.buckets.wanted() ? query_buckets(context, chosen, *series, output)
                                               : query_readings(context, chosen, *series, output);
  if (!done) return context.fail(done.error());
  output.finish();
  return kExitDone;
}

}  // namespace fieldpost::cli
