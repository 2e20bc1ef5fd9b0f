#include "proto/wire/batch_encoder.h"

#include <fnmatch.h>

#include <algorithm>
#include <limits>

#include "proto/wire/limits.h"
#include "proto/wire/readings_codec.h"

namespace fieldpost::wire {

namespace {

constexpr std::size_t kMeasurementsRemembered = 4096;

/// The measurement at the front of a canonical key, still escaped.
std::string_view measurement_of(std::string_view key) {
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (key[i] == '\\') {
      ++i;
    } else if (key[i] == ',' || key[i] == ' ') {
      return key.substr(0, i);
    }
  }
  return key;
}

/// Appends `from` to `to`; string values are indices into their own column's strings.
void append_column(Column& to, Column&& from) {
  if (to.times.empty()) {
    to = std::move(from);
    return;
  }
  if (!from.strings.empty()) {
    for (std::uint64_t& value : from.values) {
      std::string& text = from.strings[static_cast<std::size_t>(value)];
      const auto known = std::find(to.strings.begin(), to.strings.end(), text);
      value = static_cast<std::uint64_t>(known - to.strings.begin());
      if (known == to.strings.end()) to.strings.push_back(text);
    }
  }
  to.times.insert(to.times.end(), from.times.begin(), from.times.end());
  to.values.insert(to.values.end(), from.values.begin(), from.values.end());
}

/// Splits off the later half: of the columns when there are several, else of the only one's
/// readings.
Columns split_half(Columns& columns) {
  Columns later;
  later.columns.resize(columns.columns.size());
  const auto filled = std::count_if(columns.columns.begin(), columns.columns.end(),
                                    [](const Column& each) { return each.count() > 0; });
  std::ptrdiff_t keep = filled / 2;
  for (std::size_t i = 0; i < columns.columns.size(); ++i) {
    Column& column = columns.columns[i];
    if (column.count() == 0) continue;
    if (filled > 1) {
      if (keep-- > 0) continue;
      later.columns[i] = std::exchange(column, {});
      continue;
    }
    const auto half = static_cast<std::ptrdiff_t>(column.count() / 2);
    later.columns[i].strings = column.strings;
    later.columns[i].times.assign(column.times.begin() + half, column.times.end());
    later.columns[i].values.assign(column.values.begin() + half, column.values.end());
    column.times.resize(static_cast<std::size_t>(half));
    column.values.resize(static_cast<std::size_t>(half));
  }
  return later;
}

}  // namespace

rt::Result<std::vector<EncodedReadings>> BatchEncoder::encode(ReadingsBatch batch) {
  std::vector<EncodedReadings> out;
  auto done = encode_pieces(std::move(batch.pieces), {batch.stamp, false}, out);
  if (done) done = encode_pieces(std::move(batch.boot_pieces), {batch.stamp, true}, out);
  if (!done) return done.error();
  return out;
}

rt::Status BatchEncoder::encode_pieces(std::vector<ParsedLines> pieces, const Stamp& stamp,
                                       std::vector<EncodedReadings>& out) {
  if (pieces.empty()) return rt::ok();
  std::vector<Merged> merged = merge_by_class(std::move(pieces));
  for (std::size_t index = 0; index < merged.size(); ++index) {
    if (merged[index].keys.empty()) continue;
    auto done = encode_class(static_cast<int>(index), std::move(merged[index]), stamp, out);
    if (!done) return done;
  }
  return rt::ok();
}

int BatchEncoder::class_of(const std::string& key) {
  if (options_.classes.empty()) return 0;
  std::string measurement(measurement_of(key));
  if (const auto known = class_of_measurement_.find(measurement);
      known != class_of_measurement_.end()) {
    return known->second;
  }
  int index = 0;
  for (const ClassPattern& pattern : options_.classes) {
    if (fnmatch(pattern.measurement.c_str(), measurement.c_str(), 0) == 0) {
      index = pattern.index;
      break;
    }
  }
  if (class_of_measurement_.size() >= kMeasurementsRemembered) class_of_measurement_.clear();
  class_of_measurement_.emplace(std::move(measurement), index);
  return index;
}

std::vector<BatchEncoder::Merged> BatchEncoder::merge_by_class(std::vector<ParsedLines> pieces) {
  std::vector<Merged> merged(kReadingClassesMax);
  if (pieces.size() == 1 && options_.classes.empty()) {
    merged[0] = {std::move(pieces[0].keys), std::move(pieces[0].columns)};
    return merged;
  }
  std::unordered_map<std::string, std::pair<int, std::size_t>> places;
  for (ParsedLines& piece : pieces) {
    for (std::size_t i = 0; i < piece.keys.size(); ++i) {
      if (piece.columns[i].count() == 0) continue;
      const auto [place, is_new] = places.try_emplace(piece.keys[i]);
      if (is_new) {
        const int index = class_of(piece.keys[i]);
        Merged& target = merged[static_cast<std::size_t>(index)];
        place->second = {index, target.keys.size()};
        target.keys.push_back(std::move(piece.keys[i]));
        target.columns.emplace_back();
      }
      Merged& target = merged[static_cast<std::size_t>(place->second.first)];
      append_column(target.columns[place->second.second], std::move(piece.columns[i]));
    }
  }
  return merged;
}

rt::Status BatchEncoder::encode_class(int index, Merged merged, const Stamp& stamp,
                                      std::vector<EncodedReadings>& out) {
  auto choice = sets_.choose(merged.keys);
  if (!choice) return choice.error();
  std::vector<Columns> groups(choice->sets.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    groups[g].columns.resize(choice->sets[g]->keys.size());
  }
  for (std::size_t i = 0; i < merged.columns.size(); ++i) {
    const SetChooser::Place place = choice->places[i];
    groups[place.group].columns[place.column] = std::move(merged.columns[i]);
  }
  for (std::size_t g = 0; g < groups.size(); ++g) {
    encode_columns(index, choice->sets[g], std::move(groups[g]), stamp, out);
  }
  return rt::ok();
}

void BatchEncoder::encode_columns(int index, const std::shared_ptr<const SeriesSet>& set,
                                  Columns columns, const Stamp& stamp,
                                  std::vector<EncodedReadings>& out) {
  const std::size_t readings = columns.readings();
  if (readings == 0) return;
  if (readings > kRecordReadingsMax) {
    Columns later = split_half(columns);
    encode_columns(index, set, std::move(columns), stamp, out);
    encode_columns(index, set, std::move(later), stamp, out);
    return;
  }
  const std::string raw = wire::encode_columns(columns, set->types);
  Compressed compressed = compress(raw, options_.zstd_level);
  const bool too_large =
      compressed.bytes.size() > kPayloadBytesMax || raw.size() > kRawPayloadBytesMax;
  if (too_large && readings > 1) {
    Columns later = split_half(columns);
    encode_columns(index, set, std::move(columns), stamp, out);
    encode_columns(index, set, std::move(later), stamp, out);
    return;
  }
  Record record;
  record.kind = static_cast<std::uint16_t>(RecordKind::kReadings);
  record.codec = compressed.codec;
  record.raw_size = static_cast<std::uint32_t>(raw.size());
  record.payload = std::move(compressed.bytes);
  record.readings = static_cast<std::uint32_t>(readings);
  record.set = set->hash;
  record.first_time = std::numeric_limits<std::int64_t>::max();
  record.last_time = std::numeric_limits<std::int64_t>::min();
  for (const Column& column : columns.columns) {
    for (const std::int64_t time : column.times) {
      record.first_time = std::min(record.first_time, time);
      record.last_time = std::max(record.last_time, time);
    }
  }
  record.stamp = stamp.clock;
  record.boot_stamped = stamp.boot_stamped;
  out.push_back({index, std::move(record), set});
}

}  // namespace fieldpost::wire
