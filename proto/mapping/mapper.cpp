#include "proto/mapping/mapper.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace fieldpost::mapping {
namespace {

rt::Error invalid(std::string what) {
  return {rt::Errc::kInvalid, std::move(what)};
}

// Some senders end their text with a line feed or a zero byte.
std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank(" \t\r\n\0", 5);
  const std::size_t first = std::min(text.size(), text.find_first_not_of(kBlank));
  const std::size_t last = text.find_last_not_of(kBlank);
  return last == std::string_view::npos ? std::string_view{} : text.substr(first, last + 1 - first);
}

std::optional<DeviceValue> parse_plain(std::string_view text) {
  if (text == "true" || text == "false") return DeviceValue::of(text == "true");
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [at, code] = std::from_chars(text.data(), end, number);
  if (text.empty() || code != std::errc{} || at != end) return std::nullopt;
  return DeviceValue::of(number);
}

void name_key(const TopicPattern::Names& names, std::string& measurement, std::string* field,
              std::vector<std::pair<std::string, std::string>>& tags) {
  for (const auto& [name, level] : names) {
    if (name == "measurement") {
      measurement = level;
    } else if (name == "field" && field != nullptr) {
      *field = level;
    } else {
      tags.emplace_back(name, level);
    }
  }
}

/// An object a line.
wire::ParsedLines map_objects(const JsonMapping& mapping, std::string_view text,
                              rt::UnixTime arrived) {
  ReadingsBuilder builder;
  wire::ParsedLines& lines = builder.lines();
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto added = add_json(mapping, line, arrived, builder);
    if (added) {
      lines.lines_stored += 1;
      continue;
    }
    lines.lines_bad += 1;
    if (lines.errors.size() < wire::ParsedLines::kLineErrorsMax) {
      lines.errors.push_back({number, added.error().message});
    }
  }
  return std::move(lines);
}

}  // namespace

Mapper::Mapper(MappingRules rules, std::optional<TopicPattern> pattern)
    : rules_(std::move(rules)), pattern_(std::move(pattern)), sparkplug_(rules_.measurement) {}

rt::Result<Mapper> Mapper::make(MappingRules rules) {
  if (rules.json.measurement.empty()) rules.json.measurement = rules.measurement;
  if (auto checked = check_rules(rules); !checked) return checked.error();
  if (rules.topic.empty()) return Mapper(std::move(rules), std::nullopt);
  auto pattern = TopicPattern::parse(rules.topic);
  if (!pattern) return pattern.error();
  return Mapper(std::move(rules), *std::move(pattern));
}

Mapper::Mapped Mapper::map(const Message& message, rt::UnixTime arrived, rt::Instant now) {
  Mapped out;
  if (rules_.format == RuleFormat::kLineProtocol) {
    out.lines =
        parser_.parse(message.payload, {.precision = rules_.precision, .now = arrived, .tags = {}});
    return out;
  }
  if (!pattern_) {
    out.lines = map_objects(rules_.json, message.payload, arrived);
    return out;
  }
  const auto names = pattern_->match(message.topic);
  out.is_meant = names.has_value();
  if (!names) return out;
  ReadingsBuilder builder;
  out.status = add_message(message, *names, {arrived, now}, builder, out.ask);
  out.lines = std::move(builder.lines());
  return out;
}

rt::Status Mapper::add_message(const Message& message, const TopicPattern::Names& names,
                               const Arrival& arrival, ReadingsBuilder& builder,
                               std::optional<std::string>& ask) {
  switch (rules_.format) {
    case RuleFormat::kNumber: return add_number(message, names, arrival.arrived, builder);
    case RuleFormat::kJson: return add_object(message, names, arrival.arrived, builder);
    case RuleFormat::kLineProtocol: break;
    case RuleFormat::kSparkplug: {
      auto taken = sparkplug_.take({.topic = message.topic,
                                    .payload = message.payload,
                                    .arrived = arrival.arrived,
                                    .now = arrival.now,
                                    .retained = message.retained},
                                   builder);
      if (!taken) return taken.error();
      ask = *std::move(taken);
      break;
    }
  }
  return rt::ok();
}

bool Mapper::leave_out_retained(const Message& message) {
  retained_left_out_ += message.retained ? 1 : 0;
  return message.retained;
}

rt::Status Mapper::add_number(const Message& message, const TopicPattern::Names& names,
                              rt::UnixTime arrived, ReadingsBuilder& builder) {
  if (leave_out_retained(message)) return rt::ok();
  auto value = parse_plain(trimmed(message.payload));
  if (!value) return invalid("the payload is not a number, true or false");
  wire::SeriesKey key{rules_.measurement, {}, rules_.field, value->type, rules_.unit};
  name_key(names, key.measurement, &key.field, key.tags);
  if (!builder.add_stamped(std::move(key), arrived, *std::move(value))) {
    return invalid(
        "this cannot be stored: a name of the topic is empty or not UTF-8, or the "
        "number is not finite");
  }
  return rt::ok();
}

rt::Status Mapper::add_object(const Message& message, const TopicPattern::Names& names,
                              rt::UnixTime arrived, ReadingsBuilder& builder) {
  if (rules_.json.time_pointer.empty() && leave_out_retained(message)) return rt::ok();
  JsonMapping mapping = rules_.json;
  name_key(names, mapping.measurement, nullptr, mapping.tags);
  return add_json(mapping, trimmed(message.payload), arrived, builder);
}

}  // namespace fieldpost::mapping
