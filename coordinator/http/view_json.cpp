#include "coordinator/http/view_json.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "proto/rt/json_depth.h"
#include "proto/wire/flash_order.h"
#include "proto/wire/rfc3339.h"

namespace fieldpost::coordinator {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json time_of(std::int64_t ns, TimeFormat times) {
  if (times == TimeFormat::kNs) return ns;
  return wire::format_rfc3339({ns});
}

Json time_of(std::optional<std::int64_t> ns, TimeFormat times) {
  return ns ? time_of(*ns, times) : Json();
}

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

/// JSON that somebody else wrote, or its text when it is none or nests too deep.
Json nested(const std::string& text) {
  if (rt::nests_too_deep(text)) return text;
  Json json = Json::parse(text, nullptr, false);
  return json.is_discarded() ? Json(text) : json;
}

/// Without a firmware's image, which nobody wants in a list.
Json arguments_of(const CommandView& command) {
  Json arguments = nested(command.arguments);
  if (command.verb == wire::kFlashVerb && arguments.is_object()) arguments.erase("image");
  return arguments;
}

Json spool_of(const NodeView& node) {
  Json spool = {{"records", node.spool_records},
                {"bytes", node.spool_bytes},
                {"oldest_age_s", node.spool_oldest_age_s},
                {"forecast_s", or_null(node.spool_forecast_s)}};
  spool["forecast_class"] =
      node.spool_forecast_class.empty() ? Json() : Json(node.spool_forecast_class);
  return spool;
}

/// What it was told of how often to measure; null: nothing.
Json sampling_of(const NodeView& node, TimeFormat times) {
  if (!node.sampling) return {};
  const ToldSampling& told = *node.sampling;
  return {{"every_s", told.is_known ? Json(told.every_s) : Json()},
          {"time", told.told == 0 ? Json() : time_of(told.told, times)},
          {"state", std::string(to_string(told.is_known ? told.state : SamplingState::kWaiting))},
          {"detail", told.detail}};
}

}  // namespace

std::string_view to_string(GapState state) {
  switch (state) {
    case GapState::kUnconfirmed: return "unconfirmed";
    case GapState::kDeclared: return "declared";
    case GapState::kClosed: return "closed";
  }
  return "declared";
}

std::string to_json(const NodeView& node, TimeFormat times) {
  return text_of({{"id", node.id},
                  {"site", node.site},
                  {"agent", node.has_agent},
                  {"online", node.online},
                  {"last_seen", node.last_seen == 0 ? Json() : time_of(node.last_seen, times)},
                  {"version", node.version},
                  {"labels", node.labels},
                  {"clock",
                   {{"synchronised", or_null(node.clock_synchronised)},
                    {"offset_s", or_null(node.clock_offset_s)}}},
                  {"spool", spool_of(node)},
                  {"accepted", node.accepted},
                  {"held", node.held},
                  {"delivered", node.delivered},
                  {"unexplained", node.unexplained},
                  {"gaps", node.gaps},
                  {"readings_lost", node.readings_lost},
                  {"gaps_unknown", node.gaps_unknown},
                  {"unknown_from", time_of(node.unknown_from, times)},
                  {"disk_bytes_written", node.disk_bytes_written},
                  {"wire_bytes_sent", node.wire_bytes_sent},
                  {"messages_ignored", node.messages_ignored},
                  {"sampling", sampling_of(node, times)},
                  {"alarms", node.alarms}});
}

std::string to_json(const GapView& gap, TimeFormat times) {
  return text_of({{"id", gap.id},
                  {"node", gap.node},
                  {"series", or_null(gap.series)},
                  {"from", time_of(gap.from, times)},
                  {"to", time_of(gap.to, times)},
                  {"readings", or_null(gap.readings)},
                  {"fragments", gap.fragments},
                  {"cause", gap.cause},
                  {"by", gap.by.empty() ? Json() : Json(gap.by)},
                  {"state", std::string(to_string(gap.state))}});
}

std::string to_json(const Hole& hole, TimeFormat times) {
  const auto end = [&](std::int64_t ns) {
    return ns == INT64_MIN || ns == INT64_MAX ? Json() : time_of(ns, times);
  };
  return text_of({{"gap", hole.gap},
                  {"node", hole.node},
                  {"from", end(hole.first_time)},
                  {"to", end(hole.last_time)},
                  {"cause", hole.by_rule ? "retention" : "deleted"},
                  {"by", hole.reason}});
}

std::string to_json(const CommandView& command, TimeFormat times) {
  return text_of({{"id", command.id},
                  {"created", time_of(command.created, times)},
                  {"expires", time_of(command.expires, times)},
                  {"verb", command.verb},
                  {"arguments", arguments_of(command)},
                  {"outcome", command.outcome ? nested(*command.outcome) : Json()}});
}

std::string to_json(const SeriesInfo& series, TimeFormat times) {
  Json tags = Json::object();
  for (const auto& [key, value] : series.key.tags) tags[key] = value;
  const bool empty = series.count == 0;
  const auto time = [&](std::int64_t ns) { return empty ? Json() : time_of(ns, times); };
  return text_of({{"id", series.id},
                  {"node", series.node},
                  {"measurement", series.key.measurement},
                  {"tags", std::move(tags)},
                  {"field", series.key.field},
                  {"type", std::string(wire::to_string(series.key.type))},
                  {"unit", series.key.unit.empty() ? Json() : Json(series.key.unit)},
                  {"count", series.count},
                  {"first_time", time(series.first_time)},
                  {"last_time", time(series.last_time)}});
}

}  // namespace fieldpost::coordinator
