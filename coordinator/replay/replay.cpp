#include "coordinator/replay/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "proto/wire/stamped_lines.h"

namespace fieldpost::coordinator {
namespace {

using mapping::Mapper;
using mapping::RawMessage;
using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

constexpr std::size_t kMessagesPerStep = 256;  ///< each may be 64 KiB
constexpr std::size_t kSeriesAtOnce = 1000;

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

wire::Clock stamp_of(const Reading& raw) {
  wire::Clock stamp;
  stamp.wall = rt::UnixTime{raw.time};
  const std::string bytes = raw.boot.bytes();
  std::memcpy(stamp.boot.data(), bytes.data(), stamp.boot.size());
  stamp.synchronised = raw.boot == wire::Id128();
  return stamp;
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

Result<bool> Replay::step(ReadingQuery& query) {
  if (!begun_) {
    if (auto done = begin(query); !done) return done.error();
    begun_ = true;
    return true;
  }
  if (part_ == parts_.size()) return false;
  const Part& part = parts_[part_];
  const auto page = query.readings(part.series, {next_time_, request_.range.to}, kMessagesPerStep);
  if (!page) return page.error();
  if (page->empty()) {
    part_ += 1;
    next_time_ = request_.range.from;
    return part_ < parts_.size();
  }
  if (auto done = take_page(*page, part); !done) return done.error();
  next_time_ = page->back().time + 1;
  return true;
}

Status Replay::begin(ReadingQuery& query) {
  const auto raw = find_raw(query);
  if (!raw) return raw.error();
  std::vector<SeriesId> ids;
  for (const SeriesInfo& series : *raw) {
    auto rules = rules_of(query, series);
    if (!rules) return rules.error();
    parts_.push_back({series.id, series.first_time, *std::move(rules)});
    ids.push_back(series.id);
  }
  // What Sparkplug's births tell holds for what comes after them, whatever the rules were then.
  std::ranges::sort(parts_, {}, &Part::first_time);
  // Messages that come from now on are not of this replay, even where its end was left open.
  const auto closed = query.close(ids, request_.range);
  if (!closed) return closed.error();
  request_.range = *closed;
  const auto extent = query.extent(ids, request_.range);
  if (!extent) return extent.error();
  progress_.messages_total = extent->readings;
  next_time_ = request_.range.from;
  return find_earlier(query);
}

/// The series of the source's messages, one for each set of rules; `source` is known then.
Result<std::vector<SeriesInfo>> Replay::find_raw(ReadingQuery& query) {
  SeriesFilter filter;
  filter.node = request_.node;
  filter.measurement = mapping::kRawMeasurement;
  filter.field = mapping::kRawField;
  if (!request_.source.empty()) {
    filter.tags.emplace_back(mapping::kSourceTag, request_.source);
  }
  auto series = all_series(query, filter);
  if (!series) return series;
  if (series->empty()) {
    return Error{
        Errc::kNotFound,
        fmt::format("node {} has no raw messages{}: is keep_raw set at the source?", request_.node,
                    request_.source.empty() ? "" : " of source " + request_.source)};
  }
  const std::string first = tag_of(series->front().key, mapping::kSourceTag);
  for (const SeriesInfo& each : *series) {
    const std::string other = tag_of(each.key, mapping::kSourceTag);
    if (other == first) continue;
    return Error{Errc::kInvalid,
                 fmt::format("node {} has raw messages of several sources, such as \"{}\" and "
                             "\"{}\": name one",
                             request_.node, first, other)};
  }
  request_.source = first;
  return series;
}

/// The rules by which these messages became readings when they came.
Result<std::shared_ptr<Mapper>> Replay::rules_of(ReadingQuery& query, const SeriesInfo& raw) {
  const std::string id = tag_of(raw.key, mapping::kRulesTag);
  SeriesFilter filter;
  filter.node = request_.node;
  filter.measurement = mapping::kRulesMeasurement;
  filter.field = mapping::kRulesField;
  filter.tags = {{std::string(mapping::kSourceTag), request_.source},
                 {std::string(mapping::kRulesTag), id}};
  const auto series = all_series(query, filter);
  if (!series) return series.error();
  std::vector<SeriesId> ids;
  for (const SeriesInfo& each : *series) ids.push_back(each.id);
  const auto last = query.last(ids);
  if (!last) return last.error();
  for (const auto& [series_id, reading] : *last) {
    if (mapping::rules_id(reading.text) != id) continue;
    auto rules = mapping::parse_rules(reading.text);
    if (!rules) return rules.error();
    auto mapper = Mapper::make(*std::move(rules));
    if (!mapper) return mapper.error();
    return std::make_shared<Mapper>(*std::move(mapper));
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
    auto rules = mapping::parse_rules(each.rules);
    if (!rules) return rules.error();
    auto mapper = Mapper::make(*std::move(rules));
    if (!mapper) return mapper.error();
    earlier_.push_back({{each.from, each.to}, std::make_shared<Mapper>(*std::move(mapper))});
  }
  return ok();
}

Status Replay::take_page(const std::vector<Reading>& page, const Part& part) {
  for (const Reading& raw : page) {
    const auto message = mapping::decode_raw(raw.text);
    if (!message) return message.error();
    note_old(*part.rules, *message, raw);
    for (const Earlier& each : earlier_) {
      if (raw.time >= each.range.from && raw.time < each.range.to) {
        note_old(*each.rules, *message, raw);
      }
    }
    if (raw.boot != batch_boot_) {
      if (auto done = encode_fresh(); !done) return done;
      batch_boot_ = raw.boot;
    }
    make_fresh(*message, raw);
    batch_.stamp = stamp_of(raw);
    progress_.messages += 1;
  }
  if (progress_.readings + progress_.old_readings > kReplayReadingsMax) {
    return Error{Errc::kFull,
                 fmt::format("more than {} readings, old and new: replay a shorter range",
                             kReplayReadingsMax)};
  }
  return encode_fresh();
}

void Replay::note_old(Mapper& mapper, const RawMessage& message, const Reading& raw) {
  const auto mapped = mapper.map(message.view(), rt::UnixTime{raw.time}, instant_of(raw));
  const wire::ParsedLines& lines = mapped.lines;
  progress_.old_readings += lines.readings;
  for (std::size_t c = 0; c < lines.columns.size(); ++c) {
    for (const std::int64_t time : lines.columns[c].times) {
      const bool is_stamped = lines.readings_stamped > 0 && time == lines.stamp_ns;
      old_[{lines.keys[c], is_stamped ? raw.boot : wire::Id128()}].push_back(time);
    }
  }
}

void Replay::make_fresh(const RawMessage& message, const Reading& raw) {
  auto mapped = mapper_.map(message.view(), rt::UnixTime{raw.time}, instant_of(raw));
  wire::ParsedLines& lines = mapped.lines;
  const std::uint64_t bad = lines.lines_bad + (mapped.status ? 0 : 1);
  if (bad > 0 && progress_.first_error.empty()) {
    progress_.first_error =
        mapped.status ? lines.errors.front().what : mapped.status.error().message;
  }
  progress_.unmapped += bad;
  progress_.readings += lines.readings;
  if (lines.readings == 0) return;
  const bool is_good_time = raw.boot == wire::Id128();
  if (lines.readings_stamped == 0 || is_good_time) {
    batch_.pieces.push_back(std::move(lines));
    return;
  }
  if (lines.readings_stamped < lines.readings) {
    batch_.boot_pieces.push_back(wire::take_stamped(lines));
    batch_.pieces.push_back(std::move(lines));
  } else {
    batch_.boot_pieces.push_back(std::move(lines));
  }
}

Status Replay::encode_fresh() {
  if (batch_.pieces.empty() && batch_.boot_pieces.empty()) return ok();
  auto encoded = encoder_.encode(std::exchange(batch_, {}));
  if (!encoded) return encoded.error();
  std::ranges::move(*encoded, std::back_inserter(fresh_));
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
    std::ranges::sort(times);
    times.erase(std::unique(times.begin(), times.end()), times.end());
    out.old.push_back({series.first, series.second, std::move(times)});
  }
  old_.clear();
  out.fresh = std::move(fresh_);
  return out;
}

}  // namespace fieldpost::coordinator
