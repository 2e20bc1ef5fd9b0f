#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/intake.h"
#include "proto/mapping/raw_message.h"
#include "proto/mapping/rules.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"
#include "proto/wire/line_protocol.h"

namespace fieldpost::agent {

/// Tells the rules by which a source's messages become readings, as a reading, so that the
/// coordinator can make the readings again: when the source begins, and once an hour, for the first
/// ones may be lost. Loop thread.
class RulesTeller {
 public:
  static constexpr std::int64_t kEveryNs = 3'600'000'000'000;

  RulesTeller(wire::SeriesKey key, std::string rules)
      : key_(std::move(key)), rules_(std::move(rules)) {}
  void tell(Intake& intake, rt::UnixTime now);

 private:
  wire::SeriesKey key_;
  std::string rules_;
  std::optional<rt::UnixTime> told_;
};

/// Keeps a source's messages as they came, as readings of a series of their own beside the readings
/// that were made of them, in the same batch. One thread at a time.
class RawKeeper {
 public:
  /// kInvalid: the source's name is too long, or not UTF-8, for the tag of a series.
  static rt::Result<RawKeeper> make(std::string source, const mapping::MappingRules& rules);

  [[nodiscard]] RulesTeller make_teller() const;
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
};

}  // namespace fieldpost::agent
