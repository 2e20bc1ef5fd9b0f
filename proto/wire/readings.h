#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/rt/result.h"
#include "proto/wire/ids.h"
#include "proto/wire/limits.h"

/// Readings as they move between parser, batcher, codec, store and queries.
namespace fieldpost::wire {

enum class ValueType : std::uint8_t { kF64 = 1, kI64 = 2, kU64 = 3, kBool = 4, kString = 5 };
[[nodiscard]] std::string_view to_string(ValueType type);  ///< "f64" "i64" "u64" "bool" "string"

/// Measurement of messages that are kept as they came (proto/mapping/raw_message.h). Of what is
/// taken together they get the last names, so that what was made of a message never outranks it.
inline constexpr std::string_view kRawMeasurement = "fieldpost_raw";

/// One measured quantity of one node. The node itself is not part of it: the envelope tells.
///
/// Canonical text: `measurement,tag=value,… field TYPE[ UNIT]` with TYPE one of f i u b s, tags
/// sorted by key (bytewise), and comma, space, `=` and backslash in names escaped by a backslash.
/// Equal series have equal text. Line breaks cannot occur.
struct SeriesKey {
  std::string measurement;
  std::vector<std::pair<std::string, std::string>> tags;  ///< sorted by key, keys distinct
  std::string field;
  ValueType type = ValueType::kF64;
  std::string unit;  ///< empty: none

  bool operator==(const SeriesKey&) const = default;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::size_t text_bytes() const;
  /// Whether `parse` takes its text, and it has no more than so many bytes; at a fraction of the
  /// price.
  [[nodiscard]] bool is_valid(std::size_t bytes_max = kSeriesKeyBytesMax) const;
  /// kInvalid for anything that `text` would not produce, or over the limits.
  static rt::Result<SeriesKey> parse(std::string_view text);
};

/// Readings of one series. `values` holds the bits of the double, the signed or unsigned integer,
/// 0 or 1 for bool, or an index into `strings`. Times need not be sorted; of two readings with the
/// same time the later position wins.
struct Column {
  std::vector<std::int64_t> times;    ///< ns since the Unix epoch
  std::vector<std::uint64_t> values;  ///< one each
  std::vector<std::string> strings;   ///< kString only: distinct values
  bool operator==(const Column&) const = default;
  [[nodiscard]] std::size_t count() const { return times.size(); }
};

/// The series that a record's columns follow, in order. Content-addressed: `hash` is BLAKE2b-128 of
/// `encode()`. Never changed once used; at most kSetSeriesMax series and kDefinitionBytesMax bytes.
struct SeriesSet {
  std::vector<std::string> keys;  ///< canonical texts, distinct
  std::vector<ValueType> types;   ///< of each
  Hash128 hash;

  /// Computes types and hash. kInvalid for a bad or repeated key; kFull over the limits.
  static rt::Result<SeriesSet> make(std::vector<std::string> keys);
  [[nodiscard]] std::string encode() const;  ///< each key followed by a line feed
  static rt::Result<SeriesSet> decode(std::string_view bytes);
};

}  // namespace fieldpost::wire
