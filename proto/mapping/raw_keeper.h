#pragma once

#include <string>
#include <string_view>

#include "proto/mapping/raw_message.h"
#include "proto/mapping/rules.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"
#include "proto/wire/line_protocol.h"

namespace fieldpost::mapping {

/// How often the rules of kept messages are told again, for the first ones may be lost.
inline constexpr std::int64_t kRulesEveryNs = 3'600'000'000'000;

/// Keeps a source's messages as they came, as readings of a series of their own beside the readings
/// that were made of them, in the same batch. One thread at a time.
class RawKeeper {
 public:
  /// kInvalid: the source's name is too long, or not UTF-8, for the tag of a series.
  static rt::Result<RawKeeper> make(std::string source, const MappingRules& rules);

  /// The time of a message and of all that is stamped with its arrival: no two have the same one.
  [[nodiscard]] rt::UnixTime stamp(rt::UnixTime now);
  /// Adds the message to what was made of it. kFull: it is too long to be kept; nothing is added.
  rt::Status add(const Message& message, rt::UnixTime stamp, wire::ParsedLines& lines);
  /// Adds the rules, by which the coordinator can make the readings again.
  void add_rules(rt::UnixTime stamp, wire::ParsedLines& lines) const;

 private:
  RawKeeper(std::string source, std::string rules);
  [[nodiscard]] wire::SeriesKey key(std::string_view measurement, std::string_view field) const;

  std::string source_;
  std::string rules_;
  rt::UnixTime last_{INT64_MIN};
};

}  // namespace fieldpost::mapping
