#include "agent/sources/raw_keeper.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "proto/mapping/readings_builder.h"

namespace fieldpost::agent {
namespace {

/// Of messages in a burst. A clock that was set back further is followed.
constexpr std::int64_t kAheadMostNs = 1'000'000'000;

}  // namespace

void RulesTeller::tell(Intake& intake, rt::UnixTime now) {
  if (told_ && std::abs(now.ns - told_->ns) < kEveryNs) return;
  told_ = now;
  mapping::ReadingsBuilder builder;
  if (!builder.add_stamped(key_, now, mapping::DeviceValue::of(rules_))) return;
  intake.accept_sampled(std::move(builder.lines()));
}

RawKeeper::RawKeeper(std::string source, std::string rules)
    : source_(std::move(source)), rules_(std::move(rules)) {}

rt::Result<RawKeeper> RawKeeper::make(std::string source, const mapping::MappingRules& rules) {
  RawKeeper keeper(std::move(source), mapping::encode_rules(rules));
  if (keeper.rules_.size() > mapping::kRulesBytesMax) {
    return rt::Error{rt::Errc::kInvalid, "the rules are too long to go along with the messages"};
  }
  if (!wire::SeriesKey::parse(keeper.key(mapping::kRawMeasurement, mapping::kRawField).text())) {
    return rt::Error{rt::Errc::kInvalid,
                     fmt::format("no series can be called after \"{}\"", keeper.source_)};
  }
  return keeper;
}

wire::SeriesKey RawKeeper::key(std::string_view measurement, std::string_view field) const {
  return {std::string(measurement),
          {{std::string(mapping::kRulesTag), mapping::rules_id(rules_)},
           {std::string(mapping::kSourceTag), source_}},
          std::string(field),
          wire::ValueType::kString,
          ""};
}

RulesTeller RawKeeper::make_teller() const {
  return {key(mapping::kRulesMeasurement, mapping::kRulesField), rules_};
}

rt::UnixTime RawKeeper::stamp(rt::UnixTime now) {
  const bool is_burst = now.ns <= last_.ns && last_.ns - now.ns < kAheadMostNs;
  last_ = is_burst ? rt::UnixTime{last_.ns + 1} : now;
  return last_;
}

rt::Status RawKeeper::add(const mapping::Message& message, rt::UnixTime stamp,
                          wire::ParsedLines& lines) {
  if (message.payload.empty() && message.topic.empty()) return rt::ok();
  auto text = mapping::encode_raw(message);
  if (!text) {
    return rt::Error{rt::Errc::kFull,
                     fmt::format("a message of {} bytes is too long to be kept raw",
                                 message.topic.size() + message.payload.size())};
  }
  mapping::ReadingsBuilder builder(std::move(lines));
  (void)builder.add_stamped(key(mapping::kRawMeasurement, mapping::kRawField), stamp,
                            mapping::DeviceValue::of(*std::move(text)));
  lines = std::move(builder.lines());
  return rt::ok();
}

}  // namespace fieldpost::agent
