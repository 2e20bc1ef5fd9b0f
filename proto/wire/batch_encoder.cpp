#include "proto/wire/batch_encoder.h"

#include <fnmatch.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "proto/wire/column_part.h"
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

/// Where the strings of a column that is appended to stand; empty before that.
using TextPlaces = std::unordered_map<std::string, std::uint64_t>;

/// Adds the strings of `from` that `to` does not have, and makes the values of `from` point there.
void merge_strings(Column& to, TextPlaces& places, Column& from) {
  if (places.empty()) {
    for (std::size_t i = 0; i < to.strings.size(); ++i) places.emplace(to.strings[i], i);
  }
  std::vector<std::uint64_t> moved;
  moved.reserve(from.strings.size());
  for (std::string& text : from.strings) {
    const auto [place, is_new] = places.try_emplace(text, to.strings.size());
    if (is_new) to.strings.push_back(std::move(text));
    moved.push_back(place->second);
  }
  for (std::uint64_t& value : from.values) value = moved[static_cast<std::size_t>(value)];
}

void append_column(Column& to, TextPlaces& places, Column&& from) {
  if (to.times.empty()) {
    to = std::move(from);
    return;
  }
  if (!from.strings.empty()) merge_strings(to, places, from);
  to.times.insert(to.times.end(), from.times.begin(), from.times.end());
  to.values.insert(to.values.end(), from.values.begin(), from.values.end());
}

Column part_of(const Column& column, std::size_t begin, std::size_t end) {
  ColumnPart part(column);
  for (std::size_t i = begin; i < end; ++i) part.add(i);
  return std::move(part).take();
}

/// Splits off the later half: of the columns when there are several, else of the only one's
/// readings. Each half has the strings that it uses and no others, else splitting would shrink
/// nothing.
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
    const std::size_t half = column.count() / 2;
    later.columns[i] = part_of(column, half, column.count());
    column = part_of(column, 0, half);
  }
  return later;
}

bool is_raw(std::string_view key) {
  return key.starts_with(kRawMeasurement) && measurement_of(key) == kRawMeasurement;
}

bool holds_raw(const ParsedLines& piece) {
  return std::any_of(piece.keys.begin(), piece.keys.end(), is_raw);
}

/// Where raw messages go, behind all classes.
constexpr std::size_t kRawSlot = kReadingClassesMax;

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
    const int of = index == kRawSlot ? class_of(merged[index].keys[0]) : static_cast<int>(index);
    auto done = encode_class(of, std::move(merged[index]), stamp, out);
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
  std::vector<Merged> merged(kRawSlot + 1);
  if (pieces.size() == 1 && options_.classes.empty() && !holds_raw(pieces[0])) {
    merged[0] = {std::move(pieces[0].keys), std::move(pieces[0].columns)};
    return merged;
  }
  struct Place {
    std::size_t index = 0;  ///< of the class
    std::size_t column = 0;
    TextPlaces texts;
  };
  std::unordered_map<std::string, Place> places;
  for (ParsedLines& piece : pieces) {
    for (std::size_t i = 0; i < piece.keys.size(); ++i) {
      if (piece.columns[i].count() == 0) continue;
      const auto [place, is_new] = places.try_emplace(piece.keys[i]);
      if (is_new) {
        const std::size_t index =
            is_raw(piece.keys[i]) ? kRawSlot : static_cast<std::size_t>(class_of(piece.keys[i]));
        place->second = {index, merged[index].keys.size(), {}};
        merged[index].keys.push_back(std::move(piece.keys[i]));
        merged[index].columns.emplace_back();
      }
      auto& [index, column, texts] = place->second;
      append_column(merged[index].columns[column], texts, std::move(piece.columns[i]));
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
