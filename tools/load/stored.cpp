#include "tools/load/stored.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "tools/bench/daemon.h"

namespace fieldpost::load {
namespace {

using nlohmann::json;

constexpr std::size_t kSeriesAQuestion = 500;
constexpr std::size_t kReadingsAQuestion = 100'000;
constexpr int kLooksMax = 50;
constexpr double kBetweenLooks = 0.2;  ///< s

json ask(bench::HttpClient& client, const std::string& target) {
  json answer = json::parse(client.get(target), nullptr, false);
  if (answer.is_discarded()) bench::give_up("the answer to " + target + " is no JSON");
  return answer;
}

/// Every item of a list, page after page.
template <typename Take>
void walk(bench::HttpClient& client, const std::string& target, Take take) {
  std::string cursor;
  do {
    const json page = ask(client, target + (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const json& item : page.at("items")) take(item);
    cursor = page.at("next_cursor").is_null() ? "" : page.at("next_cursor").get<std::string>();
  } while (!cursor.empty());
}

std::uint64_t delivered_of(bench::HttpClient& client, const std::string& node) {
  return ask(client, "/api/v1/nodes/" + node).at("delivered").get<std::uint64_t>();
}

std::vector<std::string> questions(bench::HttpClient& client, const std::string& node) {
  std::vector<std::string> targets;
  std::size_t in_last = kSeriesAQuestion;
  walk(client, fmt::format("/api/v1/series?node={}&limit=1000", node), [&](const json& series) {
    const auto id = series.at("id").get<std::int64_t>();
    if (in_last == kSeriesAQuestion) {
      targets.push_back(
          fmt::format("/api/v1/readings?times=ns&limit={}&series={}", kReadingsAQuestion, id));
      in_last = 1;
    } else {
      targets.back() += fmt::format(",{}", id);
      in_last += 1;
    }
  });
  return targets;
}

/// A tag's number below `end`; nothing when it is none.
std::optional<std::size_t> number_of(const json& tags, const char* key, std::size_t end) {
  const auto text = tags.value(key, std::string());
  std::size_t number = 0;
  const auto [last, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || last != text.data() + text.size() || number >= end) return {};
  return number;
}

/// Counts the readings of one series as the samples that they are.
class SampleCounter {
 public:
  SampleCounter(const Plan& plan, std::int64_t began_wall_ns, Stored& stored)
      : plan_(plan), began_wall_ns_(began_wall_ns), stored_(stored) {
    stored_.times.assign(plan.samples(), 0);
  }

  void count(const json& series) {
    const bool is_ours = series.at("measurement") == "srs" && series.at("field") == "value";
    const auto user = number_of(series.at("tags"), "user", plan_.users);
    const auto sensor = number_of(series.at("tags"), "sensor", plan_.sensors);
    for (const json& reading : series.at("readings")) {
      const auto sample = is_ours && user && sensor
                              ? sample_at(*user, *sensor, reading.at(0).get<std::int64_t>())
                              : std::nullopt;
      const bool is_right = sample && reading.at(1).is_number() &&
                            reading.at(1).get<double>() == static_cast<double>(*sample);
      if (!is_right) {
        stored_.strange += 1;
      } else if (stored_.times[*sample] < std::numeric_limits<std::uint8_t>::max()) {
        stored_.times[*sample] += 1;
      }
    }
  }

 private:
  [[nodiscard]] std::optional<std::size_t> sample_at(std::size_t user, std::size_t sensor,
                                                     std::int64_t time) const {
    const std::int64_t since = time - began_wall_ns_ - plan_.due_ns(user);
    if (since < 0 || since % plan_.every_ns != 0) return {};
    const auto tick = static_cast<std::size_t>(since / plan_.every_ns);
    if (tick >= plan_.ticks) return {};
    return (tick * plan_.users + user) * plan_.sensors + sensor;
  }

  const Plan& plan_;
  std::int64_t began_wall_ns_;
  Stored& stored_;
};

}  // namespace

Stored ask_stored(const bench::TcpAddress& address, const std::string& node, const Plan& plan,
                  std::int64_t began_wall_ns) {
  bench::HttpClient client(address);
  Stored stored;
  for (int look = 0; look < kLooksMax; ++look) {
    // What had no answer may still be on its way to the disk.
    const std::uint64_t before = delivered_of(client, node);
    stored.strange = 0;
    SampleCounter counter(plan, began_wall_ns, stored);
    for (const std::string& target : questions(client, node)) {
      walk(client, target, [&](const json& series) { counter.count(series); });
    }
    stored.delivered = delivered_of(client, node);
    if (stored.delivered == before) return stored;
    bench::sleep_s(kBetweenLooks);
  }
  bench::give_up("readings still come long after the last request");
}

}  // namespace fieldpost::load
