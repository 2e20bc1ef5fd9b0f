#include "proto/mapping/raw_keeper.h"

#include <fmt/format.h>

#include <utility>

#include "proto/mapping/readings_builder.h"

namespace fieldpost::mapping {
namespace {

/// Of messages in a burst. A clock that was set back further is followed.
constexpr std::int64_t kAheadMostNs = 1'000'000'000;

}  // namespace

RawKeeper::RawKeeper(std::string source, std::string rules)
    : source_(std::move(source)), rules_(std::move(rules)) {}

rt::Result<RawKeeper> RawKeeper::make(std::string source, const MappingRules& rules) {
  RawKeeper keeper(std::move(source), encode_rules(rules));
  if (keeper.rules_.size() > kRulesBytesMax) {
    return rt::Error{rt::Errc::kInvalid, "the rules are too long to go along with the messages"};
  }
  if (!wire::SeriesKey::parse(keeper.key(kRawMeasurement, kRawField).text())) {
    return rt::Error{rt::Errc::kInvalid,
                     fmt::format("no series can be called after \"{}\"", keeper.source_)};
  }
  return keeper;
}

wire::SeriesKey RawKeeper::key(std::string_view measurement, std::string_view field) const {
  return {std::string(measurement),
          {{std::string(kRulesTag), rules_id(rules_)}, {std::string(kSourceTag), source_}},
          std::string(field),
          wire::ValueType::kString,
          ""};
}

rt::UnixTime RawKeeper::stamp(rt::UnixTime now) {
  const bool is_burst = now.ns <= last_.ns && last_.ns - now.ns < kAheadMostNs;
  last_ = is_burst ? rt::UnixTime{last_.ns + 1} : now;
  return last_;
}

rt::Status RawKeeper::add(const Message& message, rt::UnixTime stamp, wire::ParsedLines& lines) {
  if (message.payload.empty() && message.topic.empty()) return rt::ok();
  auto text = encode_raw(message);
  if (!text) {
    return rt::Error{rt::Errc::kFull,
                     fmt::format("a message of {} bytes is too long to be kept raw",
                                 message.topic.size() + message.payload.size())};
  }
  ReadingsBuilder builder(std::move(lines));
  (void)builder.add_stamped(key(kRawMeasurement, kRawField), stamp,
                            DeviceValue::of(*std::move(text)));
  lines = std::move(builder.lines());
  return rt::ok();
}

void RawKeeper::add_rules(rt::UnixTime stamp, wire::ParsedLines& lines) const {
  ReadingsBuilder builder(std::move(lines));
  (void)builder.add_stamped(key(kRulesMeasurement, kRulesField), stamp, DeviceValue::of(rules_));
  lines = std::move(builder.lines());
}

}  // namespace fieldpost::mapping
