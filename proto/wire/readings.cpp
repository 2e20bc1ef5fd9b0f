#include "proto/wire/readings.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "proto/wire/hash.h"
#include "proto/wire/limits.h"
#include "proto/wire/names.h"

namespace fieldpost::wire {
namespace {

constexpr std::string_view kTypeLetters = "fiubs";

rt::Error bad_key(std::string_view text, std::string_view why) {
  return {rt::Errc::kInvalid, fmt::format("series key {}: {}", quoted(text), why)};
}

std::optional<ValueType> type_of(std::string_view letters) {
  const std::size_t index = kTypeLetters.find(letters);
  if (letters.size() != 1 || index == std::string_view::npos) return std::nullopt;
  return static_cast<ValueType>(index + 1);
}

/// Takes the separator too; false when it is not there.
bool take_char(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

bool take_tags(std::string_view& rest, SeriesKey& key) {
  while (take_char(rest, ',')) {
    std::string tag = take_name(rest, ",= ");
    if (!take_char(rest, '=')) return false;
    std::string value = take_name(rest, ",= ");
    if (tag.empty() || value.empty() || key.tags.size() == kTagsMax) return false;
    if (!key.tags.empty() && key.tags.back().first >= tag) return false;
    key.tags.emplace_back(std::move(tag), std::move(value));
  }
  return true;
}

/// Field, type and unit.
bool take_quantity(std::string_view& rest, SeriesKey& key) {
  if (!take_char(rest, ' ')) return false;
  key.field = take_name(rest, ",= ");
  if (key.field.empty() || !take_char(rest, ' ')) return false;
  const auto type = type_of(rest.substr(0, 1));
  if (!type) return false;
  key.type = *type;
  rest.remove_prefix(1);
  if (take_char(rest, ' ')) key.unit = take_name(rest, ",= ");
  return rest.empty();
}

rt::Result<SeriesSet> over_limits(std::size_t series, std::size_t bytes) {
  return rt::Error{rt::Errc::kFull,
                   fmt::format("series set: {} series in {} bytes, at most {} in {} fit", series,
                               bytes, kSetSeriesMax, kDefinitionBytesMax)};
}

std::size_t encoded_size(const std::vector<std::string>& keys) {
  std::size_t bytes = 0;
  for (const std::string& key : keys) bytes += key.size() + 1;
  return bytes;
}

}  // namespace

std::string_view to_string(ValueType type) {
  switch (type) {
    case ValueType::kF64: return "f64";
    case ValueType::kI64: return "i64";
    case ValueType::kU64: return "u64";
    case ValueType::kBool: return "bool";
    case ValueType::kString: return "string";
  }
  return "unknown";
}

std::string SeriesKey::text() const {
  std::string out;
  append_escaped(out, measurement);
  for (const auto& [tag, value] : tags) {
    out += ',';
    append_escaped(out, tag);
    out += '=';
    append_escaped(out, value);
  }
  out += ' ';
  append_escaped(out, field);
  out += ' ';
  out += kTypeLetters[static_cast<std::size_t>(type) - 1];
  if (unit.empty()) return out;
  out += ' ';
  append_escaped(out, unit);
  return out;
}

std::size_t SeriesKey::text_bytes() const {
  constexpr std::size_t kSeparators = 3;  // a space, a space and the letter
  std::size_t bytes = escaped_bytes(measurement) + escaped_bytes(field) + kSeparators;
  for (const auto& [tag, value] : tags) bytes += escaped_bytes(tag) + escaped_bytes(value) + 2;
  return unit.empty() ? bytes : bytes + 1 + escaped_bytes(unit);
}

bool SeriesKey::is_valid(std::size_t bytes_max) const {
  const auto is_filled = [](const std::string& name) { return !name.empty() && is_name(name); };
  if (!is_filled(measurement) || !is_filled(field) || !is_name(unit)) return false;
  if (tags.size() > kTagsMax) return false;
  std::size_t bare_bytes = measurement.size() + field.size() + unit.size();
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (!is_filled(tags[i].first) || !is_filled(tags[i].second)) return false;
    if (i > 0 && tags[i - 1].first >= tags[i].first) return false;
    bare_bytes += tags[i].first.size() + tags[i].second.size();
  }
  bytes_max = std::min(bytes_max, kSeriesKeyBytesMax);
  constexpr std::size_t kSeparatorsMax = 4 + 2 * kTagsMax;
  const bool fits_however_escaped = 2 * bare_bytes + kSeparatorsMax <= bytes_max;
  return fits_however_escaped || text_bytes() <= bytes_max;
}

rt::Result<SeriesKey> SeriesKey::parse(std::string_view text) {
  if (text.size() > kSeriesKeyBytesMax) return bad_key(text, "too long");
  if (!is_name(text)) return bad_key(text, "expected UTF-8 without line breaks");
  SeriesKey key;
  std::string_view rest = text;
  key.measurement = take_name(rest, ",= ");
  if (key.measurement.empty() || !take_tags(rest, key) || !take_quantity(rest, key) ||
      key.text() != text) {
    return bad_key(text, "expected \"measurement,tag=value,... field TYPE[ UNIT]\"");
  }
  return key;
}

rt::Result<SeriesSet> SeriesSet::make(std::vector<std::string> keys) {
  const std::size_t bytes = encoded_size(keys);
  if (keys.size() > kSetSeriesMax || bytes > kDefinitionBytesMax) {
    return over_limits(keys.size(), bytes);
  }
  SeriesSet set;
  set.types.reserve(keys.size());
  std::unordered_set<std::string_view> seen;
  for (const std::string& text : keys) {
    const auto key = SeriesKey::parse(text);
    if (!key) return key.error();
    if (!seen.insert(text).second) return bad_key(text, "twice in one series set");
    set.types.push_back(key->type);
  }
  set.keys = std::move(keys);
  set.hash = hash128(set.encode());
  return set;
}

std::string SeriesSet::encode() const {
  std::string out;
  out.reserve(encoded_size(keys));
  for (const std::string& key : keys) {
    out += key;
    out += '\n';
  }
  return out;
}

rt::Result<SeriesSet> SeriesSet::decode(std::string_view bytes) {
  if (bytes.size() > kDefinitionBytesMax) return over_limits(0, bytes.size());
  std::vector<std::string> keys;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) return bad_key(bytes, "expected a line feed after it");
    keys.emplace_back(bytes.substr(0, end));
    bytes.remove_prefix(end + 1);
  }
  return make(std::move(keys));
}

}  // namespace fieldpost::wire
