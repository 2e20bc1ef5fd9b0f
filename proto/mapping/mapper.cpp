#include "proto/mapping/mapper.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "proto/mapping/form_mapping.h"
#include "proto/mapping/plain_value.h"
#include "proto/rt/http.h"

namespace fieldpost::mapping {
namespace {

rt::Error invalid(std::string what) {
  return {rt::Errc::kInvalid, std::move(what)};
}

std::optional<DeviceValue> parse_plain(std::string_view text) {
  if (text == "true" || text == "false") return DeviceValue::of(text == "true");
  const auto number = parse_plain_number(text);
  return number ? std::optional(DeviceValue::of(*number)) : std::nullopt;
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
  if (is_request(rules_.format)) return map_request(message, arrived);
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

/// As a whole, or nothing of it.
Mapper::Mapped Mapper::map_request(const Message& request, rt::UnixTime arrived) const {
  Mapped out;
  const auto target = rt::parse_http_target(request.topic);
  const auto names = target ? pattern_->match(target->path) : std::nullopt;
  out.is_meant = names.has_value();
  if (!names) return out;
  JsonMapping mapping = rules_.json;
  name_key(*names, mapping.measurement, nullptr, mapping.tags);
  ReadingsBuilder builder;
  if (rules_.format == RuleFormat::kRequestJson) {
    out.status = add_json_body(mapping, trimmed(request.payload), arrived, builder);
  } else {
    const auto parameters = rules_.format == RuleFormat::kRequestQuery
                                ? rt::Result<FormParameters>(target->query)
                                : rt::parse_http_form(trimmed(request.payload));
    out.status = parameters ? add_form(mapping, *parameters, arrived, builder)
                            : rt::Status(parameters.error());
  }
  if (out.status) out.lines = std::move(builder.lines());
  return out;
}

rt::Status Mapper::add_message(const Message& message, const TopicPattern::Names& names,
                               const Arrival& arrival, ReadingsBuilder& builder,
                               std::optional<std::string>& ask) {
  switch (rules_.format) {
    case RuleFormat::kNumber: return add_number(message, names, arrival.arrived, builder);
    case RuleFormat::kJson: return add_object(message, names, arrival.arrived, builder);
    case RuleFormat::kLineProtocol:
    case RuleFormat::kRequestJson:
    case RuleFormat::kRequestForm:
    case RuleFormat::kRequestQuery: break;
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
