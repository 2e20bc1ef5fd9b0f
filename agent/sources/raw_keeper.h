#pragma once

#include <optional>
#include <string>

#include "proto/mapping/raw_message.h"
#include "proto/mapping/rules.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"
#include "proto/wire/line_protocol.h"

namespace fieldpost::agent {

/// Keeps a source's messages as they came, as readings of a series of their own beside the readings
/// that were made of them, in the same batch. The rules by which those were made go along with the
/// first message and once a day, so that the coordinator can make the readings again. One thread at
/// a time.
class RawKeeper {
 public:
  static constexpr std::int64_t kRulesEveryNs = 86'400'000'000'000;

  /// kInvalid: the source's name is too long, or not UTF-8, for the tag of a series.
  static rt::Result<RawKeeper> make(std::string source, const mapping::MappingRules& rules);

  /// The time of a message and of all that is stamped with its arrival: no two have the same one.
  [[nodiscard]] rt::UnixTime stamp(rt::UnixTime now);
  /// Adds the message to what was made of it. kFull: it is too long to be kept; nothing is added.
  rt::Status add(const mapping::Message& message, rt::UnixTime stamp, wire::ParsedLines& lines);

 private:
  RawKeeper(std::string source, std::string rules);
  [[nodiscard]] wire::SeriesKey key(std::string_view measurement, std::string_view field) const;

  std::string source_;
  std::string rules_;
  rt::UnixTime last_{INT64_MIN};
  std::optional<rt::UnixTime> rules_told_;
};

}  // namespace fieldpost::agent
