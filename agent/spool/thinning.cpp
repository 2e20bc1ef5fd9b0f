#include "agent/spool/thinning.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "agent/spool/shedding.h"
#include "proto/wire/limits.h"
#include "proto/wire/readings_codec.h"

namespace fieldpost::agent {

using rt::Error;
using rt::Result;

namespace {

struct Point {
  std::int64_t time = 0;
  std::uint64_t value = 0;
  std::uint32_t origin = 0;  ///< index into the names gathered
  std::string text;
};

/// Readings of one set, per column, with where each was first accepted.
struct Gathered {
  std::shared_ptr<const std::string> definition;
  wire::SeriesSet set;
  RecordClass record_class = RecordClass::kReadings;
  wire::Clock stamp;
  bool boot_stamped = false;
  std::vector<wire::Name> origins;
  std::vector<std::vector<Point>> columns;
};

double number_of(wire::ValueType type, std::uint64_t bits) {
  switch (type) {
    case wire::ValueType::kF64: return std::bit_cast<double>(bits);
    case wire::ValueType::kI64: return static_cast<double>(std::bit_cast<std::int64_t>(bits));
    case wire::ValueType::kU64: return static_cast<double>(bits);
    case wire::ValueType::kBool:
    case wire::ValueType::kString: return 0;
  }
  return 0;
}

std::uint32_t origin_index(Gathered& into, const wire::Name& name) {
  const auto known = std::find(into.origins.rbegin(), into.origins.rend(), name);
  if (known != into.origins.rend()) {
    return static_cast<std::uint32_t>(into.origins.rend() - known - 1);
  }
  into.origins.push_back(name);
  return static_cast<std::uint32_t>(into.origins.size() - 1);
}

/// What the thinned record will be like: that of the first one it comes from.
rt::Status begin(Spool& spool, const SpoolRecord& record, const wire::Record& content,
                 const wire::Clock& now, Gathered& into) {
  auto definition = spool.load_definition(record.set);
  if (!definition) return definition.error();
  auto set = wire::SeriesSet::decode(*definition);
  if (!set) return set.error();
  into.definition = std::make_shared<const std::string>(std::move(*definition));
  into.columns.resize(set->keys.size());
  into.set = std::move(*set);
  into.record_class = record.record_class;
  into.boot_stamped = content.boot_stamped;
  into.stamp = content.boot_stamped ? content.stamp : now;
  return rt::ok();
}

rt::Status gather(const SpoolRecord& record, const wire::Record& content, Gathered& into) {
  auto raw = wire::decompress(content.payload, content.codec, content.raw_size);
  if (!raw) return raw.error();
  auto columns = wire::decode_columns(*raw, into.set.types);
  if (!columns) return columns.error();
  const wire::Name own = content.first_name.value_or(record.name);
  for (std::size_t c = 0; c < columns->columns.size(); ++c) {
    wire::Column& column = columns->columns[c];
    std::size_t run = 0, left = 0;
    const bool moved = !columns->origins.empty();
    for (std::size_t i = 0; i < column.count(); ++i) {
      wire::Name origin = own;
      if (moved) {
        const auto& runs = columns->origin_runs[c];
        while (left == 0) left = runs[run++].count;
        origin = columns->origins[runs[run - 1].origin];
        left -= 1;
      }
      Point point{column.times[i], column.values[i], origin_index(into, origin), {}};
      if (into.set.types[c] == wire::ValueType::kString) {
        point.text = column.strings[static_cast<std::size_t>(point.value)];
      }
      into.columns[c].push_back(std::move(point));
    }
  }
  return rt::ok();
}

/// Marks first, last, smallest and largest of each window; counts what is lost per origin.
std::vector<Point> thin_column(std::vector<Point> points, wire::ValueType type, rt::Nanos window,
                               std::map<std::uint32_t, std::uint32_t>& lost) {
  std::stable_sort(points.begin(), points.end(),
                   [](const Point& a, const Point& b) { return a.time < b.time; });
  const bool has_extremes = type != wire::ValueType::kBool && type != wire::ValueType::kString;
  std::vector<Point> kept;
  for (std::size_t begin = 0; begin < points.size();) {
    const std::int64_t slot = points[begin].time / window.count();
    std::size_t end = begin, least = begin, most = begin;
    for (; end < points.size() && points[end].time / window.count() == slot; ++end) {
      if (!has_extremes) continue;
      const double value = number_of(type, points[end].value);
      if (value < number_of(type, points[least].value)) least = end;
      if (value > number_of(type, points[most].value)) most = end;
    }
    for (std::size_t i = begin; i < end; ++i) {
      const bool stays = i == begin || i + 1 == end || (has_extremes && (i == least || i == most));
      if (stays) {
        kept.push_back(std::move(points[i]));
      } else {
        lost[points[i].origin] += 1;
      }
    }
    begin = end;
  }
  return kept;
}

wire::Columns to_columns(const Gathered& gathered) {
  wire::Columns out;
  out.origins = gathered.origins;
  out.columns.resize(gathered.columns.size());
  out.origin_runs.resize(gathered.columns.size());
  for (std::size_t c = 0; c < gathered.columns.size(); ++c) {
    wire::Column& column = out.columns[c];
    for (const Point& point : gathered.columns[c]) {
      std::uint64_t value = point.value;
      if (gathered.set.types[c] == wire::ValueType::kString) {
        const auto known = std::find(column.strings.begin(), column.strings.end(), point.text);
        value = static_cast<std::uint64_t>(known - column.strings.begin());
        if (known == column.strings.end()) column.strings.push_back(point.text);
      }
      column.times.push_back(point.time);
      column.values.push_back(value);
      auto& runs = out.origin_runs[c];
      if (!runs.empty() && runs.back().origin == point.origin) {
        runs.back().count += 1;
      } else {
        runs.push_back({point.origin, 1});
      }
    }
  }
  return out;
}

std::optional<SpoolRecord> to_record(const Gathered& gathered) {
  const wire::Columns columns = to_columns(gathered);
  const std::size_t readings = columns.readings();
  if (readings == 0 || readings > wire::kRecordReadingsMax) return std::nullopt;
  const std::string raw = wire::encode_columns(columns, gathered.set.types);
  wire::Compressed compressed = wire::compress(raw, 3);
  if (compressed.bytes.size() > wire::kPayloadBytesMax) return std::nullopt;
  wire::Record record;
  record.kind = static_cast<std::uint16_t>(wire::RecordKind::kReadings);
  record.codec = compressed.codec;
  record.raw_size = static_cast<std::uint32_t>(raw.size());
  record.payload = std::move(compressed.bytes);
  record.readings = static_cast<std::uint32_t>(readings);
  record.set = gathered.set.hash;
  record.stamp = gathered.stamp;
  record.boot_stamped = gathered.boot_stamped;
  record.first_time = std::numeric_limits<std::int64_t>::max();
  record.last_time = std::numeric_limits<std::int64_t>::min();
  for (const wire::Column& column : columns.columns) {
    for (const std::int64_t time : column.times) {
      record.first_time = std::min(record.first_time, time);
      record.last_time = std::max(record.last_time, time);
    }
  }
  SpoolRecord made = make_spool_record(record, gathered.record_class);
  made.definition = gathered.definition;
  return made;
}

}  // namespace

Result<Thinned> thin_records(Spool& spool, std::span<const wire::Name> names, rt::Nanos window,
                             const wire::Clock& stamp) {
  // Readings that belong to a boot [env-9] stay apart from all others.
  std::map<std::pair<wire::Hash128, rt::BootId>, Gathered> groups;
  wire::Gap gap;
  gap.cause = wire::GapCause::kThinned;
  gap.sets_known = true;
  std::map<wire::Name, std::uint32_t> lost_by_name;
  for (const wire::Name& name : names) {
    auto record = spool.load(name);
    if (!record) return record.error();
    lost_by_name[name];  // listed even when it loses nothing: its readings live on elsewhere
    const auto content = wire::decode_record(*record->body);
    if (!content) return content.error();
    const rt::BootId boot = content->boot_stamped ? content->stamp.boot : rt::BootId{};
    Gathered& into = groups[{record->set, boot}];
    rt::Status done = rt::ok();
    if (into.definition == nullptr) done = begin(spool, *record, *content, stamp, into);
    if (done) done = gather(*record, *content, into);
    if (!done) return done.error();
    const bool first = gap.first_time == 0 && gap.last_time == 0;
    gap.first_time = first ? record->first_time : std::min(gap.first_time, record->first_time);
    gap.last_time = first ? record->last_time : std::max(gap.last_time, record->last_time);
  }
  Thinned out;
  for (auto& [key, gathered] : groups) {
    std::map<std::uint32_t, std::uint32_t> lost;
    for (std::size_t c = 0; c < gathered.columns.size(); ++c) {
      gathered.columns[c] =
          thin_column(std::move(gathered.columns[c]), gathered.set.types[c], window, lost);
    }
    for (const auto& [origin, count] : lost) {
      lost_by_name[gathered.origins[origin]] += count;
      out.readings_lost += count;
    }
    if (std::find(gap.sets.begin(), gap.sets.end(), key.first) == gap.sets.end()) {
      gap.sets.push_back(key.first);
    }
    auto record = to_record(gathered);
    // More than a record holds: the caller takes fewer names at a time.
    if (!record) return Error{rt::Errc::kFull, "thinned readings do not fit one record"};
    out.records.push_back(std::move(*record));
  }
  for (const auto& [name, count] : lost_by_name) {
    add_gap_name(gap.names, {{name.incarnation, {name.seq, name.seq}}, count, true});
  }
  out.gaps.push_back(std::move(gap));
  return out;
}

}  // namespace fieldpost::agent
