#include "proto/wire/line_cache.h"

#include <fmt/format.h>

#include <algorithm>

#include "proto/wire/limits.h"
#include "proto/wire/line_protocol.h"
#include "proto/wire/names.h"

namespace fieldpost::wire {
namespace {

rt::Error bad(std::string what) {
  return {rt::Errc::kInvalid, std::move(what)};
}

using Tags = std::vector<std::pair<std::string, std::string>>;

Tags parse_tags(const std::string& text) {
  const auto key = SeriesKey::parse("m" + text + " f f");
  FP_CHECK(key.has_value());  // LineOptions::tags is canonical
  return key->tags;
}

constexpr std::array kTypes = {ValueType::kF64, ValueType::kI64, ValueType::kU64, ValueType::kBool,
                               ValueType::kString};

/// What units are kept by: the key without type and unit.
std::string_view without_type(std::string_view key_without_unit) {
  return key_without_unit.substr(0, key_without_unit.size() - 2);
}

rt::Error key_too_long() {
  return bad(fmt::format("series key longer than {} bytes", kSeriesKeyBytesMax));
}

}  // namespace

void LineCache::trim(const std::string& tags) {
  const bool fits =
      heads_.size() <= kEntriesMax && series_.size() <= kEntriesMax && bytes_ <= kBytesMax;
  if (fits && tags == tags_text_) return;
  LineCache fresh;
  fresh.units_ = std::move(units_);
  fresh.unit_bytes_ = unit_bytes_;
  *this = std::move(fresh);
  tags_ = parse_tags(tags);
  tags_text_ = tags;
}

std::uint32_t LineCache::guess_head(std::string_view text) {
  if (last_head_ == kNone) return kNone;
  const std::uint32_t guess = heads_[last_head_].next;
  const std::string& raw = heads_[guess].raw;
  if (text.size() <= raw.size() || text[raw.size()] != ' ' || !text.starts_with(raw)) return kNone;
  last_head_ = guess;
  return guess;
}

rt::Result<std::uint32_t> LineCache::find_head(std::string_view raw) {
  const auto found = head_index_.find(raw);
  std::uint32_t index = found == head_index_.end() ? kNone : found->second;
  if (index == kNone) {
    auto key = parse_head(raw);
    if (!key) return key.error();
    index = add_head(raw, std::move(*key));
  }
  if (last_head_ != kNone) heads_[last_head_].next = index;
  last_head_ = index;
  return index;
}

std::uint32_t LineCache::add_head(std::string_view raw, SeriesKey key) {
  if (heads_.size() == kEntriesMax) {
    heads_.clear();
    head_index_.clear();
    last_head_ = kNone;
  }
  const auto index = static_cast<std::uint32_t>(heads_.size());
  heads_.push_back({std::string(raw), std::move(key), {}, {}, 0});
  head_index_.emplace(raw, index);
  bytes_ += 4 * raw.size();
  return index;
}

rt::Result<SeriesKey> LineCache::parse_head(std::string_view raw) const {
  if (!is_name(raw)) return bad("names must be UTF-8 without line breaks");
  SeriesKey key;
  std::string_view rest = raw;
  key.measurement = take_name(rest, ",");
  if (key.measurement.empty()) return bad("expected a measurement at the start of the line");
  while (!rest.empty() && key.tags.size() <= kTagsMax) {
    auto tag = parse_tag(rest);
    if (!tag) return tag.error();
    key.tags.push_back(std::move(*tag));
  }
  const auto has = [&key](const std::string& name) {
    return std::any_of(key.tags.begin(), key.tags.end(),
                       [&name](const auto& tag) { return tag.first == name; });
  };
  for (const auto& tag : tags_) {
    if (!has(tag.first)) key.tags.push_back(tag);
  }
  if (key.tags.size() > kTagsMax) return bad(fmt::format("more than {} tags", kTagsMax));
  std::sort(key.tags.begin(), key.tags.end());
  const auto twice = std::adjacent_find(
      key.tags.begin(), key.tags.end(),
      [](const auto& one, const auto& other) { return one.first == other.first; });
  if (twice != key.tags.end()) return bad(fmt::format("tag {} twice", quoted(twice->first)));
  return key;
}

rt::Result<std::pair<std::string, std::string>> LineCache::parse_tag(std::string_view& rest) const {
  rest.remove_prefix(1);  // the comma
  std::string name = take_name(rest, ",=");
  if (name.empty()) return bad("expected a tag key after the comma");
  if (!rest.starts_with('=')) {
    return bad(fmt::format("tag {}: expected \"=\" and a value", quoted(name)));
  }
  rest.remove_prefix(1);
  std::string value = take_name(rest, ",=");
  if (value.empty()) return bad(fmt::format("tag {}: expected a value", quoted(name)));
  if (rest.starts_with('=')) {
    return bad(fmt::format("tag {}: \"=\" in a value needs a backslash", quoted(name)));
  }
  return std::pair{std::move(name), std::move(value)};
}

rt::Result<std::uint32_t> LineCache::find_field(Head& head, std::string_view raw) {
  const auto found = head.field_index.find(raw);
  if (found != head.field_index.end()) return found->second;
  if (raw.size() == 1) return bad("expected a field key before \"=\"");
  if (!is_name(raw)) return bad("names must be UTF-8 without line breaks");
  const auto index = static_cast<std::uint32_t>(head.fields.size());
  Field field;
  field.raw = raw;
  head.fields.push_back(std::move(field));
  head.field_index.emplace(raw, index);
  bytes_ += 2 * raw.size();
  return index;
}

rt::Result<std::uint32_t> LineCache::find_series(const Head& head, Field& field, ValueType type) {
  std::uint32_t& known = field.series[static_cast<std::size_t>(type) - 1];
  if (known != kNone) return known;
  SeriesKey key = head.key;
  std::string_view raw = field.raw;
  key.field = take_name(raw, "=");
  key.type = type;
  const std::string plain = key.text();
  if (const auto unit = units_.find(without_type(plain)); unit != units_.end()) {
    key.unit = unit->second;
  }
  std::string text = key.unit.empty() ? plain : key.text();
  if (text.size() > kSeriesKeyBytesMax) return key_too_long();
  const auto index = static_cast<std::uint32_t>(series_.size());
  const auto [entry, is_new] = series_index_.try_emplace(plain, index);
  if (is_new) {
    bytes_ += 2 * text.size();
    Series series;
    series.key = std::move(text);
    series.type = type;
    series_.push_back(std::move(series));
  }
  known = entry->second;
  return known;
}

rt::Status LineCache::set_unit(std::string_view head, std::string_view field, std::string_view unit,
                               const std::function<void(Series&)>& on_change) {
  auto key = parse_head(head);
  if (!key) return key.error();
  if (!is_name(field) || !is_name(unit)) return bad("names must be UTF-8 without line breaks");
  key->field = take_name(field, ",= ");
  if (key->field.empty() || !field.empty()) {
    return bad("expected a field, and a backslash before \",\" and \"=\" in it");
  }
  const std::string name(without_type(key->text()));
  key->unit = unit;
  if (key->text().size() > kSeriesKeyBytesMax) return key_too_long();
  if (auto kept = keep_unit(name, unit); !kept) return kept;
  for (const ValueType type : kTypes) {
    key->type = type;
    key->unit.clear();
    const auto found = series_index_.find(key->text());
    if (found == series_index_.end()) continue;
    key->unit = unit;
    std::string text = key->text();
    Series& series = series_[found->second];
    if (series.key == text) continue;
    on_change(series);
    series.key = std::move(text);
  }
  return rt::ok();
}

rt::Status LineCache::keep_unit(const std::string& series, std::string_view unit) {
  const auto known = units_.find(series);
  const bool is_known = known != units_.end();
  if (!is_known && unit.empty()) return rt::ok();
  if (!is_known && units_.size() == LineParser::kUnitsMax) {
    return rt::Error{rt::Errc::kFull, fmt::format("more than {} units", LineParser::kUnitsMax)};
  }
  const std::size_t freed = is_known ? series.size() + known->second.size() : 0;
  const std::size_t taken = unit.empty() ? 0 : series.size() + unit.size();
  if (unit_bytes_ - freed + taken > LineParser::kUnitBytesMax) {
    return rt::Error{rt::Errc::kFull, fmt::format("more than {} bytes of units and their series",
                                                  LineParser::kUnitBytesMax)};
  }
  unit_bytes_ = unit_bytes_ - freed + taken;
  if (unit.empty()) {
    units_.erase(known);
  } else {
    units_[series] = unit;
  }
  return rt::ok();
}

}  // namespace fieldpost::wire
