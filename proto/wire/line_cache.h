#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proto/rt/result.h"
#include "proto/rt/text_hash.h"
#include "proto/wire/readings.h"

namespace fieldpost::wire {

template <typename T>
using TextMap = std::unordered_map<std::string, T, rt::TextHash, std::equal_to<>>;

/// What a line parser remembers from line to line and from call to call: raw texts of measurement
/// with tags (heads) and of fields, and the series each leads to. It guesses that heads and fields
/// come in the order they came before, so a repeated line costs comparisons and no look-up.
/// Bounded: `trim` forgets everything once a bound is passed, and within one parse the heads never
/// pass theirs; the series are then as many as the columns that the parse answers. Units are never
/// forgotten, and have bounds of their own.
class LineCache {
 public:
  static constexpr std::size_t kEntriesMax = 65'536;   ///< of heads and of series
  static constexpr std::size_t kBytesMax = 16u << 20;  ///< of raw texts and keys
  static constexpr std::uint32_t kNone = 0xffffffff;

  struct Series {
    std::string key;  ///< with the unit that is said now
    ValueType type = ValueType::kF64;
    std::uint32_t column = 0;  ///< in the result of parse `parse`
    std::uint64_t parse = 0;   ///< the last parse that saw this series
    std::size_t readings = 0;  ///< that it found: about as many come next time
  };
  struct Field {
    std::string raw;                                                            ///< with the `=`
    std::array<std::uint32_t, 5> series = {kNone, kNone, kNone, kNone, kNone};  ///< by type
  };
  struct Head {
    std::string raw;
    SeriesKey key;  ///< measurement and tags
    std::vector<Field> fields;
    TextMap<std::uint32_t> field_index;  ///< by raw text
    std::uint32_t next = 0;              ///< the head that came after this one
  };

  /// Call between parses. `tags` as in LineOptions; other tags than before forget everything too.
  void trim(const std::string& tags);
  /// Index of the head that `text` starts with, followed by a space; guesses first.
  [[nodiscard]] std::uint32_t guess_head(std::string_view text);
  /// `raw` is everything before the first unescaped space. kInvalid says what is wrong with it.
  rt::Result<std::uint32_t> find_head(std::string_view raw);
  /// `raw` with the `=`; kInvalid for a field without a proper name.
  rt::Result<std::uint32_t> find_field(Head& head, std::string_view raw);
  /// kInvalid when the key would be too long.
  rt::Result<std::uint32_t> find_series(const Head& head, Field& field, ValueType type);
  /// From now on series of `head` and `field`, as they stand in a line, have this unit, which may
  /// be empty. `on_change` hears of each known series whose key is about to change. kInvalid says
  /// what is wrong, kFull which bound is reached; nothing has changed then.
  rt::Status set_unit(std::string_view head, std::string_view field, std::string_view unit,
                      const std::function<void(Series&)>& on_change);

  [[nodiscard]] Head& head(std::uint32_t index) { return heads_[index]; }
  [[nodiscard]] Series& series(std::uint32_t index) { return series_[index]; }

 private:
  std::uint32_t add_head(std::string_view raw, SeriesKey key);
  rt::Result<SeriesKey> parse_head(std::string_view raw) const;
  rt::Result<std::pair<std::string, std::string>> parse_tag(std::string_view& rest) const;
  rt::Status keep_unit(const std::string& series, std::string_view unit);

  std::string tags_text_;
  std::vector<std::pair<std::string, std::string>> tags_;
  std::vector<Head> heads_;
  std::vector<Series> series_;
  TextMap<std::uint32_t> head_index_;
  TextMap<std::uint32_t> series_index_;  ///< by key without unit
  TextMap<std::string> units_;           ///< by "measurement,tag=value,... field"
  std::size_t unit_bytes_ = 0;
  std::uint32_t last_head_ = kNone;
  std::size_t bytes_ = 0;
};

}  // namespace fieldpost::wire
