#include "agent/spool/thinning.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "agent/spool/gap_records.h"
#include "agent/spool/shedding.h"
#include "proto/wire/limits.h"
#include "proto/wire/readings_codec.h"

namespace fieldpost::agent {

using rt::Error;
using rt::Result;

namespace {

struct Point {
  std::int64_t time = 0;
  std::uint64_t value = 0;   ///< of a string: its number among the texts gathered
  std::uint32_t origin = 0;  ///< index into the names gathered
};
using Points = std::vector<std::vector<Point>>;  ///< by column; in order of time when thinned

/// Readings of one set, with where each was first accepted.
struct Gathered {
  std::shared_ptr<const std::string> definition;
  wire::SeriesSet set;
  RecordClass record_class = RecordClass::kReadings;
  wire::Clock stamp;
  bool boot_stamped = false;
  std::vector<wire::Name> origins;
  std::vector<std::uint32_t> lost;  ///< readings of each origin, before and now
  std::map<wire::Name, std::uint32_t> origin_numbers;
  std::vector<const std::string*> texts;  ///< keys of text_numbers
  std::map<std::string, std::uint64_t> text_numbers;
  Points points;
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

std::uint32_t number_of_origin(Gathered& into, const wire::Name& name) {
  const auto [known, is_new] =
      into.origin_numbers.try_emplace(name, static_cast<std::uint32_t>(into.origins.size()));
  if (is_new) {
    into.origins.push_back(name);
    into.lost.push_back(0);
  }
  return known->second;
}

std::uint64_t number_of_text(Gathered& into, const std::string& text) {
  const auto [known, is_new] = into.text_numbers.try_emplace(text, into.texts.size());
  if (is_new) into.texts.push_back(&known->first);
  return known->second;
}

/// What the thinned record will be like: that of the first one it comes from.
rt::Status begin(Spool& spool, const SpoolRecord& record, const wire::Record& content,
                 const wire::Clock& now, Gathered& into) {
  auto definition = spool.load_definition(record.set);
  if (!definition) return definition.error();
  auto set = wire::SeriesSet::decode(*definition);
  if (!set) return set.error();
  into.definition = std::make_shared<const std::string>(std::move(*definition));
  into.points.resize(set->keys.size());
  into.set = std::move(*set);
  into.record_class = record.record_class;
  into.boot_stamped = content.boot_stamped;
  into.stamp = content.boot_stamped ? content.stamp : now;
  return rt::ok();
}

/// Of each reading of a column, the number of its origin.
std::vector<std::uint32_t> origins_of(std::size_t count, const std::vector<wire::OriginRun>& runs,
                                      const std::vector<std::uint32_t>& numbers,
                                      std::uint32_t own) {
  std::vector<std::uint32_t> out;
  for (const wire::OriginRun& run : runs) out.insert(out.end(), run.count, numbers[run.origin]);
  out.resize(count, own);
  return out;
}

void gather_column(const wire::Column& column, const std::vector<std::uint32_t>& origins,
                   wire::ValueType type, Gathered& into, std::vector<Point>& points) {
  std::vector<std::uint64_t> texts;
  for (const std::string& text : column.strings) texts.push_back(number_of_text(into, text));
  const bool is_text = type == wire::ValueType::kString;
  for (std::size_t i = 0; i < column.count(); ++i) {
    const std::uint64_t value = is_text ? texts[column.values[i]] : column.values[i];
    points.push_back({column.times[i], value, origins[i]});
  }
}

/// A thinned record says itself what its origins lost before.
void gather_lost(const wire::Gap& gap, Gathered& into) {
  for (const wire::GapNames& names : gap.names) {
    for (std::uint64_t seq = names.names.seqs.first; seq <= names.names.seqs.last; ++seq) {
      into.lost[number_of_origin(into, {names.names.incarnation, seq})] = names.each;
    }
  }
}

rt::Status gather(const SpoolRecord& record, const wire::Record& content, Gathered& into) {
  auto raw = wire::decompress(content.payload, content.codec, content.raw_size);
  if (!raw) return raw.error();
  auto columns = wire::decode_columns(*raw, into.set.types);
  if (!columns) return columns.error();
  const auto own = number_of_origin(into, content.first_name.value_or(record.name));
  std::vector<std::uint32_t> numbers;
  for (const wire::Name& name : columns->origins) numbers.push_back(number_of_origin(into, name));
  for (const wire::Gap& gap : content.gaps) gather_lost(gap, into);
  for (std::size_t c = 0; c < columns->columns.size(); ++c) {
    const wire::Column& column = columns->columns[c];
    const auto runs = numbers.empty() ? std::vector<wire::OriginRun>{} : columns->origin_runs[c];
    gather_column(column, origins_of(column.count(), runs, numbers, own), into.set.types[c], into,
                  into.points[c]);
  }
  return rt::ok();
}

/// Marks first, last, smallest and largest of each window; counts what is lost per origin.
std::vector<Point> thin_column(std::vector<Point> points, wire::ValueType type, rt::Nanos window,
                               std::vector<std::uint32_t>& lost) {
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
        kept.push_back(points[i]);
      } else {
        lost[points[i].origin] += 1;
      }
    }
    begin = end;
  }
  return kept;
}

/// Numbers what is used of a list anew, in order of use.
class Renumbered {
 public:
  std::uint32_t operator()(std::uint64_t number) {
    const auto next = static_cast<std::uint32_t>(used_.size());
    const auto [known, is_new] = numbers_.try_emplace(number, next);
    if (is_new) used_.push_back(number);
    return known->second;
  }
  [[nodiscard]] const std::vector<std::uint64_t>& used() const { return used_; }

 private:
  std::map<std::uint64_t, std::uint32_t> numbers_;
  std::vector<std::uint64_t> used_;
};

wire::Column to_column(const Gathered& gathered, wire::ValueType type,
                       const std::vector<Point>& points, Renumbered& origins,
                       std::vector<wire::OriginRun>& runs) {
  wire::Column column;
  Renumbered texts;
  const bool is_text = type == wire::ValueType::kString;
  for (const Point& point : points) {
    column.times.push_back(point.time);
    column.values.push_back(is_text ? texts(point.value) : point.value);
    const std::uint32_t origin = origins(point.origin);
    if (!runs.empty() && runs.back().origin == origin) {
      runs.back().count += 1;
    } else {
      runs.push_back({origin, 1});
    }
  }
  for (const std::uint64_t text : texts.used()) column.strings.push_back(*gathered.texts[text]);
  return column;
}

wire::Columns to_columns(const Gathered& gathered, const Points& points) {
  wire::Columns out;
  Renumbered origins;
  out.origin_runs.resize(points.size());
  for (std::size_t c = 0; c < points.size(); ++c) {
    out.columns.push_back(
        to_column(gathered, gathered.set.types[c], points[c], origins, out.origin_runs[c]));
  }
  for (const std::uint64_t origin : origins.used()) out.origins.push_back(gathered.origins[origin]);
  return out;
}

std::size_t count_of(const Points& points) {
  std::size_t count = 0;
  for (const auto& column : points) count += column.size();
  return count;
}

/// Over the origins that a thinned record carries on: all that each of them lost. It travels and
/// stays with the readings, so that the next thinning can go on from there.
wire::Gap gap_over_origins(const Gathered& gathered, std::vector<wire::Name> origins,
                           const wire::Record& record) {
  wire::Gap gap;
  gap.cause = wire::GapCause::kThinned;
  gap.sets_known = true;
  gap.sets = {record.set};
  add_gap_span(gap, record.first_time, record.last_time);
  std::sort(origins.begin(), origins.end());
  for (const wire::Name& name : origins) {
    const std::uint32_t lost = gathered.lost[gathered.origin_numbers.at(name)];
    add_gap_name(gap.names, {{name.incarnation, {name.seq, name.seq}}, lost, true});
  }
  return gap;
}

/// nullopt: they are more than one record holds.
std::optional<SpoolRecord> to_record(const Gathered& gathered, const Points& points) {
  const std::size_t readings = count_of(points);
  if (readings > wire::kRecordReadingsMax) return std::nullopt;
  const wire::Columns columns = to_columns(gathered, points);
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
  wire::Gap gap = gap_over_origins(gathered, columns.origins, record);
  // The gap takes of the room for the payload, so that their envelope stays below its limit.
  const std::size_t bytes = record.payload.size() + gap.names.size() * kGapRangeBytes;
  if (bytes > wire::kPayloadBytesMax && columns.origins.size() > 1) return std::nullopt;
  record.gaps.push_back(std::move(gap));
  SpoolRecord made = make_spool_record(record, gathered.record_class);
  made.definition = gathered.definition;
  return made;
}

/// An origin with points of others before it and its own or later ones' behind; nullopt: all are of
/// one.
std::optional<std::uint32_t> middle_origin(const Points& points) {
  std::vector<std::uint32_t> origins;
  for (const auto& column : points) {
    for (const Point& point : column) origins.push_back(point.origin);
  }
  if (origins.empty()) return std::nullopt;
  std::sort(origins.begin(), origins.end());
  const std::uint32_t middle = origins[origins.size() / 2];
  if (middle > origins.front()) return middle;
  const auto next = std::upper_bound(origins.begin(), origins.end(), middle);
  return next == origins.end() ? std::nullopt : std::optional(*next);
}

/// Moves out what is of this origin or of a later one.
Points take_from(Points& points, std::uint32_t origin) {
  Points later(points.size());
  for (std::size_t c = 0; c < points.size(); ++c) {
    const auto cut = std::stable_partition(points[c].begin(), points[c].end(),
                                           [&](const Point& each) { return each.origin < origin; });
    later[c].assign(cut, points[c].end());
    points[c].erase(cut, points[c].end());
  }
  return later;
}

/// As many records as it takes. Readings of one origin stay together: their record knows all that
/// the origin lost, and which of one series and time wins is a matter of their order [name-6].
rt::Status add_records(const Gathered& gathered, Points points, std::vector<SpoolRecord>& out) {
  if (auto record = to_record(gathered, points)) {
    out.push_back(std::move(*record));
    return rt::ok();
  }
  const auto middle = middle_origin(points);
  if (!middle) return Error{rt::Errc::kFull, "thinned readings of one record do not fit one"};
  Points later = take_from(points, *middle);
  if (auto done = add_records(gathered, std::move(points), out); !done) return done;
  return add_records(gathered, std::move(later), out);
}

/// Origins that live on are in the gap of their thinned record; the others are `gone`.
void split_by_life(const Gathered& gathered, std::map<wire::Name, std::uint32_t>& gone) {
  std::vector<bool> lives(gathered.origins.size());
  for (const auto& column : gathered.points) {
    for (const Point& point : column) lives[point.origin] = true;
  }
  for (std::size_t i = 0; i < lives.size(); ++i) {
    if (lives[i]) {
      gone.erase(gathered.origins[i]);
    } else {
      gone[gathered.origins[i]] = gathered.lost[i];
    }
  }
}

using OriginCounts = std::map<wire::Name, std::uint32_t>;

/// How many readings of each origin a thinned record carries.
Result<OriginCounts> count_origins(Spool& spool, const SpoolRecord& record) {
  const auto content = wire::decode_record(*record.body);
  if (!content) return content.error();
  const auto definition = spool.load_definition(record.set);
  if (!definition) return definition.error();
  const auto set = wire::SeriesSet::decode(*definition);
  if (!set) return set.error();
  const auto raw = wire::decompress(content->payload, content->codec, content->raw_size);
  if (!raw) return raw.error();
  const auto columns = wire::decode_columns(*raw, set->types);
  if (!columns) return columns.error();
  OriginCounts counts;
  for (const auto& runs : columns->origin_runs) {
    for (const wire::OriginRun& run : runs) counts[columns->origins[run.origin]] += run.count;
  }
  return counts;
}

/// Each name of the gap with what goes now.
void add_origins(const wire::Gap& gap, const OriginCounts& going,
                 std::vector<wire::GapNames>& lost) {
  for (const wire::GapNames& names : gap.names) {
    for (std::uint64_t seq = names.names.seqs.first; seq <= names.names.seqs.last; ++seq) {
      const auto more = going.find({names.names.incarnation, seq});
      const std::uint32_t each = names.each + (more == going.end() ? 0 : more->second);
      add_gap_name(lost, {{names.names.incarnation, {seq, seq}}, each, names.known});
    }
  }
}

}  // namespace

rt::Status add_lost_names(Spool& spool, const wire::Name& name, std::vector<wire::GapNames>& lost) {
  const auto record = spool.load_as_is(name);
  if (!record) return record.error();
  const auto gaps = spool.gaps_of(*record);
  if (!gaps) return gaps.error();
  const auto going = gaps->empty() || record->damaged ? OriginCounts{}
                                                      : count_origins(spool, *record).value_or({});
  // Whose readings they are cannot be read any more: then they count under the record itself.
  const std::uint32_t own = going.empty() ? record->readings : 0;
  add_gap_name(lost, {{name.incarnation, {name.seq, name.seq}}, own, true});
  for (const wire::Gap& gap : *gaps) add_origins(gap, going, lost);
  return rt::ok();
}

Result<Thinned> thin_records(Spool& spool, std::span<const wire::Name> names, rt::Nanos window,
                             const wire::Clock& stamp) {
  // Readings that belong to a boot [env-9] stay apart from all others.
  std::map<std::pair<wire::Hash128, rt::BootId>, Gathered> groups;
  wire::Gap gap;
  gap.cause = wire::GapCause::kThinned;
  gap.sets_known = true;
  std::map<wire::Name, std::uint32_t> lost_by_name;  ///< of names that no reading lives on of
  for (const wire::Name& name : names) {
    auto record = spool.load(name);
    if (!record) return record.error();
    lost_by_name[name];
    const auto content = wire::decode_record(*record->body);
    if (!content) return content.error();
    const rt::BootId boot = content->boot_stamped ? content->stamp.boot : rt::BootId{};
    Gathered& into = groups[{record->set, boot}];
    rt::Status done = rt::ok();
    if (into.definition == nullptr) done = begin(spool, *record, *content, stamp, into);
    if (done) done = gather(*record, *content, into);
    if (!done) return done.error();
    add_gap_span(gap, record->first_time, record->last_time);
  }
  Thinned out;
  for (auto& [key, gathered] : groups) {
    const std::size_t before = count_of(gathered.points);
    for (std::size_t c = 0; c < gathered.points.size(); ++c) {
      gathered.points[c] =
          thin_column(std::move(gathered.points[c]), gathered.set.types[c], window, gathered.lost);
    }
    out.readings_lost += before - count_of(gathered.points);
    split_by_life(gathered, lost_by_name);
    add_gap_set(gap, key.first);
    if (count_of(gathered.points) == 0) continue;
    auto done = add_records(gathered, std::exchange(gathered.points, {}), out.records);
    if (!done) return done.error();
  }
  for (const auto& [name, count] : lost_by_name) {
    add_gap_name(gap.names, {{name.incarnation, {name.seq, name.seq}}, count, true});
  }
  if (!gap.names.empty()) out.gaps.push_back(std::move(gap));
  return out;
}

}  // namespace fieldpost::agent
