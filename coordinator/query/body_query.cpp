// Bodies, and the readings that tell of them.
#include <algorithm>
#include <utility>

#include "coordinator/query/query_state.h"
#include "coordinator/query/reading_query.h"

namespace fieldpost::coordinator {

using rt::Result;

namespace {

constexpr std::size_t kPageReadings = 1000;    ///< read at a time
constexpr std::size_t kLookReadings = 20'000;  ///< looked through in one call, or one step back
constexpr std::int64_t kFirstStepNs = 10'000'000'000;  ///< back; then four times as far

}  // namespace

Result<std::optional<BodyInfo>> ReadingQuery::find_body(const wire::Sha256Digest& hash) {
  const std::string key = hash.bytes();
  rt::Statement& blob = state_->db.prepare("SELECT size, type, missing FROM blob WHERE hash = ?1");
  blob.bind_blob(1, key);
  const auto row = blob.step();
  if (!row) return row.error();
  std::optional<BodyInfo> info;
  if (*row) info = BodyInfo{blob.u64(0), std::string(blob.text(1)), blob.i64(2) == 0};
  blob.reset();
  if (info) return info;
  rt::Statement& body =
      state_->db.prepare("SELECT size, type FROM body WHERE hash = ?1 ORDER BY fragments DESC");
  body.bind_blob(1, key);
  const auto begun = body.step();
  if (!begun) return begun.error();
  if (*begun) info = BodyInfo{body.u64(0), std::string(body.text(1)), false};
  body.reset();
  return info;
}

Result<BodyPage> ReadingQuery::body_readings(SeriesId series, TimeRange range, std::size_t limit) {
  BodyPage page;
  std::size_t looked = 0;
  while (range.from < range.to) {
    if (page.readings.size() >= limit || looked >= kLookReadings) {
      page.next = range.from;
      return page;
    }
    const auto found =
        readings(series, range, std::min(limit - page.readings.size(), kPageReadings));
    if (!found) return found.error();
    if (found->empty()) return page;
    looked += found->size();
    for (const Reading& reading : *found) {
      auto told = body_reading(reading);
      if (!told) return told.error();
      if (*told) page.readings.push_back(*std::move(*told));
    }
    if (found->back().time == INT64_MAX) return page;
    range.from = found->back().time + 1;
  }
  return page;
}

Result<std::optional<BodyReading>> ReadingQuery::body_reading(const Reading& reading) {
  auto reference = wire::decode_body_reference(reading.text);
  if (!reference) return std::optional<BodyReading>{};
  const auto body = find_body(reference->hash);
  if (!body) return body.error();
  const bool complete = *body && (*body)->complete && (*body)->size == reference->size;
  return std::optional<BodyReading>{{reading.time, std::move(*reference), complete}};
}

Result<std::optional<BodyReading>> ReadingQuery::last_body(SeriesId series) {
  if (const auto known = find_series(state_->db, series); !known) return known.error();
  const auto newest = last({series});
  if (!newest) return newest.error();
  if (newest->empty()) return std::optional<BodyReading>{};
  auto told = body_reading(newest->front().second);
  if (!told || (*told && (*told)->complete)) return told;
  std::int64_t end = newest->front().second.time;
  for (std::int64_t step = kFirstStepNs;; step *= 4) {
    const bool is_last = step > INT64_MAX / 4 || end < INT64_MIN + step;
    const TimeRange range{is_last ? INT64_MIN : end - step, end};
    const auto page = body_readings(series, range, kLookReadings);
    if (!page) return page.error();
    if (page->next) return std::optional<BodyReading>{};  // too many to look through
    const auto at = std::find_if(page->readings.rbegin(), page->readings.rend(),
                                 [](const BodyReading& each) { return each.complete; });
    if (at != page->readings.rend()) return std::optional<BodyReading>{*at};
    if (is_last) return std::optional<BodyReading>{};
    end = range.from;
  }
}

}  // namespace fieldpost::coordinator
