#include "coordinator/replay/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "proto/wire/rfc3339.h"
#include "proto/wire/stamped_lines.h"

namespace fieldpost::coordinator {
namespace {

using mapping::Mapper;
using mapping::Message;
using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

constexpr std::size_t kMessagesPerStep = 256;
constexpr std::size_t kMessagesPerPage = 256;  ///< each may be 64 KiB
constexpr std::size_t kSeriesAtOnce = 1000;
constexpr std::uint64_t kOldSeriesBytes = 200;  ///< beside the key

std::string tag_of(const wire::SeriesKey& key, std::string_view name) {
  for (const auto& [tag, value] : key.tags) {
    if (tag == name) return value;
  }
  return {};
}

Result<std::vector<SeriesInfo>> all_series(ReadingQuery& query, const SeriesFilter& filter) {
  std::vector<SeriesInfo> out;
  SeriesId after = 0;
  for (;;) {
    auto page = query.series(filter, after, kSeriesAtOnce);
    if (!page) return page.error();
    out.insert(out.end(), page->begin(), page->end());
    if (page->size() < kSeriesAtOnce) return out;
    after = page->back().id;
  }
}

Result<std::shared_ptr<Mapper>> mapper_of(const std::string& text) {
  auto rules = mapping::parse_rules(text);
  if (!rules) return rules.error();
  auto mapper = Mapper::make(*std::move(rules));
  if (!mapper) return mapper.error();
  return std::make_shared<Mapper>(*std::move(mapper));
}

/// Monotonic time in a replay is that of the messages.
rt::Instant instant_of(const Reading& raw) {
  return rt::Instant{rt::Nanos{raw.time}};
}

}  // namespace

Replay::Replay(ReplayRequest request, Mapper mapper)
    : request_(std::move(request)), mapper_(std::move(mapper)) {}

Result<Replay> Replay::make(ReplayRequest request) {
  auto mapper = Mapper::make(request.rules);
  if (!mapper) return mapper.error();
  return Replay(std::move(request), *std::move(mapper));
}

bool Replay::Earlier::covers(std::int64_t time) const {
  return std::ranges::any_of(
      ranges, [&](const TimeRange& range) { return time >= range.from && time < range.to; });
}

Result<bool> Replay::step(ReadingQuery& query) {
  if (!begun_) {
    if (auto done = begin(query); !done) return done.error();
    begun_ = true;
    return true;
  }
  for (std::size_t i = 0; i < kMessagesPerStep; ++i) {
    for (Part& part : parts_) {
      if (!part.is_dry()) continue;
      if (auto done = load_page(query, part); !done) return done.error();
    }
    Part* part = next_part();
    if (part == nullptr) return false;
    const RankedReading raw = std::move(part->page[part->at]);
    part->at += 1;
    if (auto done = take_message(*part, raw); !done) return done.error();
  }
  return true;
}

Status Replay::load_page(ReadingQuery& query, Part& part) {
  auto page =
      query.ranked_readings(part.series, {part.next_time, request_.range.to}, kMessagesPerPage);
  if (!page) return page.error();
  part.at = 0;
  part.page = *std::move(page);
  part.ends = part.page.empty();
  if (!part.ends) part.next_time = part.page.back().time + 1;
  return ok();
}

/// The part with the earliest message: what a Sparkplug birth tells holds for what comes after it,
/// whatever the rules were then. Null: there are no more.
Replay::Part* Replay::next_part() {
  Part* best = nullptr;
  for (Part& part : parts_) {
    if (part.at == part.page.size()) continue;
    if (best == nullptr || part.page[part.at].time < best->page[best->at].time) best = &part;
  }
  return best;
}

Status Replay::begin(ReadingQuery& query) {
  auto raw = find_raw(query);
  if (!raw) return raw.error();
  if (auto done = close_range(query, *raw); !done) return done;
  if (auto done = find_source(*raw); !done) return done;
  for (const SeriesInfo& series : *raw) {
    auto text = rules_of(query, series);
    if (!text) return text.error();
    auto mapper = mapper_of(*text);
    if (!mapper) return mapper.error();
    Part part;
    part.series = series.id;
    part.rules_text = *std::move(text);
    part.rules = *std::move(mapper);
    part.next_time = request_.range.from;
    parts_.push_back(std::move(part));
  }
  return find_earlier(query);
}

/// The series of messages that may be meant.
Result<std::vector<SeriesInfo>> Replay::find_raw(ReadingQuery& query) {
  SeriesFilter filter;
  filter.node = request_.node;
  filter.measurement = mapping::kRawMeasurement;
  filter.field = mapping::kRawField;
  if (!request_.source.empty()) {
    filter.tags.emplace_back(mapping::kSourceTag, request_.source);
  }
  return all_series(query, filter);
}

/// Leaves those that have messages in the range, and closes its open ends: messages that come from
/// now on are not of this replay.
Status Replay::close_range(ReadingQuery& query, std::vector<SeriesInfo>& raw) {
  std::vector<SeriesId> ids;
  for (const SeriesInfo& series : raw) ids.push_back(series.id);
  const auto closed = query.close(ids, request_.range);
  if (!closed) return closed.error();
  request_.range = *closed;
  std::vector<SeriesInfo> filled;
  for (SeriesInfo& series : raw) {
    const auto extent = query.extent({series.id}, request_.range);
    if (!extent) return extent.error();
    progress_.messages_total += extent->readings;
    if (extent->readings > 0) filled.push_back(std::move(series));
  }
  raw = std::move(filled);
  return ok();
}

Status Replay::find_source(const std::vector<SeriesInfo>& raw) {
  if (raw.empty()) {
    return Error{
        Errc::kNotFound,
        fmt::format("node {} has no raw messages{} in that time: is keep_raw set at the "
                    "source?",
                    request_.node, request_.source.empty() ? "" : " of source " + request_.source)};
  }
  const std::string first = tag_of(raw.front().key, mapping::kSourceTag);
  for (const SeriesInfo& each : raw) {
    const std::string other = tag_of(each.key, mapping::kSourceTag);
    if (other == first) continue;
    return Error{Errc::kInvalid,
                 fmt::format("node {} has raw messages of several sources, such as \"{}\" and "
                             "\"{}\": name one",
                             request_.node, first, other)};
  }
  request_.source = first;
  return ok();
}

/// The rules by which these messages became readings when they came.
Result<std::string> Replay::rules_of(ReadingQuery& query, const SeriesInfo& raw) {
  const std::string id = tag_of(raw.key, mapping::kRulesTag);
  SeriesFilter filter;
  filter.node = request_.node;
  filter.measurement = mapping::kRulesMeasurement;
  filter.field = mapping::kRulesField;
  filter.tags = {{std::string(mapping::kSourceTag), request_.source},
                 {std::string(mapping::kRulesTag), id}};
  const auto series = all_series(query, filter);
  if (!series) return series.error();
  for (const SeriesInfo& each : *series) {
    for (std::int64_t from = INT64_MIN;;) {
      const auto page = query.readings(each.id, {from, INT64_MAX}, kMessagesPerPage);
      if (!page) return page.error();
      for (const Reading& told : *page) {
        if (mapping::rules_id(told.text) == id) return told.text;
      }
      if (page->empty()) break;
      from = page->back().time + 1;
    }
  }
  return Error{Errc::kNotFound,
               fmt::format("the rules {} by which messages of {} became readings are not stored "
                           "any more: nobody can tell which readings to replace",
                           id, request_.source)};
}

Status Replay::find_earlier(ReadingQuery& query) {
  const auto replays = query.replays(request_.node, request_.source);
  if (!replays) return replays.error();
  for (const ReplayRecord& each : *replays) {
    if (each.to <= request_.range.from || each.from >= request_.range.to) continue;
    Earlier& earlier = earlier_[each.rules];
    earlier.ranges.push_back({each.from, each.to});
    if (earlier.rules) continue;
    auto mapper = mapper_of(each.rules);
    if (!mapper) return mapper.error();
    earlier.rules = *std::move(mapper);
  }
  return ok();
}

Status Replay::take_message(Part& part, const RankedReading& raw) {
  progress_.messages += 1;
  const auto message = mapping::decode_raw(raw.text);
  if (!message) {
    count_unmapped(raw, 1, message.error().message);
    return ok();
  }
  note_old(part, message->view(), raw);
  if (auto done = make_fresh(message->view(), raw); !done) return done;
  const bool is_too_much =
      progress_.readings + progress_.old_readings > kReplayReadingsMax || bytes_ > kReplayBytesMax;
  if (!is_too_much) return ok();
  return Error{Errc::kFull, fmt::format("more than {} readings, old and new, or {} bytes of them: "
                                        "replay a shorter range",
                                        kReplayReadingsMax, kReplayBytesMax)};
}

void Replay::count_unmapped(const RankedReading& raw, std::uint64_t count, const std::string& why) {
  if (count == 0) return;
  if (progress_.first_error.empty()) {
    progress_.first_error =
        fmt::format("{} (message of {})", why, wire::format_rfc3339(rt::UnixTime{raw.time}));
  }
  progress_.unmapped += count;
}

/// What was made of it, by the rules of then and by those of earlier replays.
void Replay::note_old(Part& part, const Message& message, const RankedReading& raw) {
  std::vector<std::pair<SeriesBoot, std::int64_t>> made;
  const auto note = [&](Mapper& mapper) {
    const auto mapped = mapper.map(message, rt::UnixTime{raw.time}, instant_of(raw));
    const wire::ParsedLines& lines = mapped.lines;
    for (std::size_t c = 0; c < lines.columns.size(); ++c) {
      for (const std::int64_t time : lines.columns[c].times) {
        const bool is_stamped = lines.readings_stamped > 0 && time == lines.stamp_ns;
        made.push_back({{lines.keys[c], is_stamped ? raw.boot : wire::Id128()}, time});
      }
    }
  };
  note(*part.rules);
  for (const auto& [text, earlier] : earlier_) {
    if (text != part.rules_text && earlier.covers(raw.time)) note(*earlier.rules);
  }
  std::ranges::sort(made);
  made.erase(std::unique(made.begin(), made.end()), made.end());
  progress_.old_readings += made.size();
  for (auto& [series, time] : made) {
    const auto [at, is_new] = old_.try_emplace(std::move(series));
    if (is_new) bytes_ += at->first.first.size() + kOldSeriesBytes;
    at->second.push_back({time, raw.rank});
    bytes_ += sizeof(OldTime);
  }
}

Status Replay::make_fresh(const Message& message, const RankedReading& raw) {
  auto mapped = mapper_.map(message, rt::UnixTime{raw.time}, instant_of(raw));
  wire::ParsedLines& lines = mapped.lines;
  if (!mapped.is_meant) {
    count_unmapped(raw, 1, fmt::format("the rules are not for topic \"{}\"", message.topic));
  }
  if (!mapped.status) count_unmapped(raw, 1, mapped.status.error().message);
  if (lines.lines_bad > 0) count_unmapped(raw, lines.lines_bad, lines.errors.front().what);
  progress_.readings += lines.readings;
  if (raw.boot.is_zero() || lines.readings_stamped == 0) return add_fresh({}, lines, raw.rank);
  if (lines.readings_stamped < lines.readings) {
    const wire::ParsedLines stamped = wire::take_stamped(lines);
    if (auto done = add_fresh(raw.boot, stamped, raw.rank); !done) return done;
    return add_fresh({}, lines, raw.rank);
  }
  return add_fresh(raw.boot, lines, raw.rank);
}

Status Replay::add_fresh(const wire::Id128& boot, const wire::ParsedLines& lines,
                         const wire::Rank& rank) {
  FreshColumns& columns = gathering_.try_emplace(boot, boot).first->second;
  columns.add(lines, rank);
  return columns.is_full() ? flush(columns) : ok();
}

Status Replay::flush(FreshColumns& columns) {
  if (columns.empty()) return ok();
  auto batch = columns.take();
  if (!batch) return batch.error();
  bytes_ += batch->payload.size() + batch->origin_ranks.size() * sizeof(wire::Rank);
  fresh_.push_back(*std::move(batch));
  return ok();
}

Replacement Replay::take_replacement() {
  Replacement out;
  out.record = {request_.node,
                request_.source,
                request_.range.from,
                request_.range.to,
                mapping::encode_rules(mapper_.rules()),
                request_.by};
  for (auto& [series, times] : old_) {
    // Of one time the last message counts: up to its rank all of that time was made of these.
    std::ranges::sort(times, [](const OldTime& a, const OldTime& b) {
      return std::pair(a.time, b.rank) < std::pair(b.time, a.rank);
    });
    const auto repeated = std::ranges::unique(times, {}, &OldTime::time);
    times.erase(repeated.begin(), repeated.end());
    out.old.push_back({series.first, series.second, std::move(times)});
  }
  old_.clear();
  for (auto& [boot, columns] : gathering_) {
    const auto done = flush(columns);
    FP_CHECK(done.has_value());  // the mapper makes canonical keys
  }
  out.fresh = std::move(fresh_);
  return out;
}

}  // namespace fieldpost::coordinator
