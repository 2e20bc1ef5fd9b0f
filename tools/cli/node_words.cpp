#include "tools/cli/node_words.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "proto/wire/rfc3339.h"
#include "tools/cli/context.h"
#include "tools/cli/text_table.h"
#include "tools/cli/words.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;
using Align = TextTable::Align;

constexpr double kNanosPerSecond = 1e9;

std::string ago_words(const Json& time, std::int64_t now) {
  if (!time.is_string()) return "never";
  const auto at = wire::parse_rfc3339(time.get<std::string>());
  if (!at) return "?";
  return duration_words(static_cast<double>(now - at->ns) / kNanosPerSecond) + " ago";
}

std::string clock_words(const Json& clock) {
  const Json& synchronised = clock.at("synchronised");
  if (synchronised.is_null()) return "-";
  if (synchronised.get<bool>()) return "ok";
  const Json& offset = clock.at("offset_s");
  if (offset.is_null()) return "unsynchronised";
  const double seconds = offset.get<double>();
  return fmt::format("{} {}", duration_words(std::abs(seconds)), seconds < 0 ? "behind" : "ahead");
}

std::string spool_words(const Json& spool) {
  const auto records = spool.at("records").get<std::uint64_t>();
  if (records == 0) return "empty";
  return fmt::format("{} records, {}, oldest {}", count_words(records),
                     bytes_words(spool.at("bytes").get<std::uint64_t>()),
                     duration_words(spool.at("oldest_age_s").get<double>()));
}

std::string forecast_words(const Json& spool) {
  const Json& forecast = spool.at("forecast_s");
  return forecast.is_null() ? "-" : duration_words(forecast.get<double>());
}

std::string state_words(const Json& node) {
  if (!has_agent(node)) return "http";
  return node.at("online").get<bool>() ? "online" : "offline";
}

}  // namespace

bool has_agent(const Json& node) {
  return node.value("agent", true);
}

std::vector<std::string> troubles_of(const Json& node, std::int64_t now) {
  const std::string id = node.at("id").get<std::string>();
  std::vector<std::string> troubles;
  for (const Json& alarm : node.at("alarms")) {
    troubles.push_back(id + ": " + alarm.get<std::string>());
  }
  const auto unexplained = node.at("unexplained").get<std::uint64_t>();
  if (unexplained > 0) {
    troubles.push_back(fmt::format("{}: {} readings unexplained", id, count_words(unexplained)));
  }
  if (!node.at("unknown_from").is_null()) {
    troubles.push_back(fmt::format("{}: what it took after {} is not known", id,
                                   time_words(node.at("unknown_from"))));
  }
  if (has_agent(node) && !node.at("online").get<bool>()) {
    troubles.push_back(
        fmt::format("{}: offline, last seen {}", id, ago_words(node.at("last_seen"), now)));
  }
  if (node.at("clock").at("synchronised") == false) {
    troubles.push_back(id + ": its clock is not synchronised");
  }
  const auto gaps = node.at("gaps").get<std::uint64_t>();
  if (gaps > 0) {
    troubles.push_back(fmt::format("{}: {} gap{}, {} readings known lost", id, count_words(gaps),
                                   gaps == 1 ? "" : "s",
                                   count_words(node.at("readings_lost").get<std::uint64_t>())));
  }
  return troubles;
}

std::string sampling_words(const Json& every_s) {
  std::string out;
  for (const auto& [measurement, seconds] : every_s.items()) {
    out +=
        fmt::format("{}{} every {} s", out.empty() ? "" : ", ", measurement, seconds.get<double>());
  }
  return out.empty() ? "as configured" : out;
}

std::string nodes_text(const std::vector<Json>& nodes, std::int64_t now) {
  TextTable table({{"NODE", {}},
                   {"STATE", {}},
                   {"SEEN", {}},
                   {"DELIVERED", Align::kRight},
                   {"ACCEPTED", Align::kRight},
                   {"WAITING", Align::kRight},
                   {"UNEXPLAINED", Align::kRight},
                   {"GAPS", Align::kRight},
                   {"SPOOL", {}},
                   {"ROOM FOR", {}},
                   {"CLOCK", {}},
                   {"VERSION", {}}});
  const auto number = [](const Json& node, const char* name) {
    return count_words(node.at(name).get<std::uint64_t>());
  };
  for (const Json& node : nodes) {
    table.add({value_words(node.at("id")), state_words(node), ago_words(node.at("last_seen"), now),
               number(node, "delivered"), number(node, "accepted"), number(node, "held"),
               number(node, "unexplained"), number(node, "gaps"), spool_words(node.at("spool")),
               forecast_words(node.at("spool")), clock_words(node.at("clock")),
               value_words(node.at("version"))});
  }
  return table.text();
}

}  // namespace fieldpost::cli
