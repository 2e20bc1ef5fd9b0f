#include "coordinator/replay/fresh_columns.h"

#include <memory>
#include <utility>

namespace fieldpost::coordinator {
namespace {

constexpr int kZstdLevel = 3;

}  // namespace

void FreshColumns::add(const wire::ParsedLines& lines, const wire::Rank& rank) {
  if (lines.readings == 0) return;
  if (ranks_.empty() || ranks_.back() != rank) ranks_.push_back(rank);
  const auto origin = static_cast<std::uint32_t>(ranks_.size() - 1);
  for (std::size_t c = 0; c < lines.columns.size(); ++c) {
    if (lines.columns[c].count() == 0) continue;
    const auto [place, is_new] = places_.try_emplace(lines.keys[c], series_.size());
    if (is_new) {
      keys_.push_back(lines.keys[c]);
      key_bytes_ += lines.keys[c].size();
      series_.emplace_back();
    }
    add_column(series_[place->second], lines.columns[c], lines.types[c], origin);
  }
}

void FreshColumns::add_column(Series& series, const wire::Column& column, wire::ValueType type,
                              std::uint32_t origin) {
  const auto count = static_cast<std::uint32_t>(column.count());
  series.column.times.insert(series.column.times.end(), column.times.begin(), column.times.end());
  for (const std::uint64_t value : column.values) {
    if (type != wire::ValueType::kString) {
      series.column.values.push_back(value);
      continue;
    }
    const std::string& text = column.strings[static_cast<std::size_t>(value)];
    const std::size_t before = series.texts.texts().size();
    series.column.values.push_back(series.texts.index_of(text));
    if (series.texts.texts().size() > before) text_bytes_ += text.size();
  }
  readings_ += count;
  if (series.runs.empty() || series.runs.back().origin != origin) {
    series.runs.push_back({origin, 0});
  }
  series.runs.back().count += count;
}

bool FreshColumns::is_full() const {
  return readings_ >= kReadingsMax || text_bytes_ >= kTextBytesMax ||
         series_.size() >= kSeriesMax || key_bytes_ >= kKeyBytesMax;
}

rt::Result<FreshReadings> FreshColumns::take() {
  auto set = wire::SeriesSet::make(std::move(keys_));
  if (!set) return set.error();
  wire::Columns columns;
  for (const wire::Rank& rank : ranks_) {
    // Only the place counts: the ranks stand beside the payload.
    columns.origins.push_back({{{}, rank.ordinal}, rank.seq});
  }
  for (Series& each : series_) {
    each.column.strings = each.texts.texts();
    columns.columns.push_back(std::move(each.column));
    columns.origin_runs.push_back(std::move(each.runs));
  }
  FreshReadings out;
  const std::string raw = wire::encode_columns(columns, set->types);
  wire::Compressed compressed = wire::compress(raw, kZstdLevel);
  out.set = std::make_shared<const wire::SeriesSet>(*std::move(set));
  out.boot = boot_;
  out.readings = readings_;
  out.payload = std::move(compressed.bytes);
  out.codec = compressed.codec;
  out.raw_size = static_cast<std::uint32_t>(raw.size());
  out.origin_ranks = std::move(ranks_);
  *this = FreshColumns(boot_);
  return out;
}

}  // namespace fieldpost::coordinator
