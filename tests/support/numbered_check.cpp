#include "tests/support/numbered_check.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>

namespace fieldpost::test {

namespace {

using nlohmann::json;

/// How often each number is stored.
using Stored = std::map<std::int64_t, int>;

std::optional<std::int64_t> series_of(const RealSite& site, const char* node,
                                      const std::string& producer) {
  const auto list = site.ask(fmt::format("/api/v1/series?node={}&measurement={}&tag.producer={}",
                                         node, NumberedProducer::kMeasurement, producer));
  if (!list || list->at("items").size() != 1) return std::nullopt;
  return list->at("items").at(0).at("id").get<std::int64_t>();
}

void take_page(const json& page, Stored& stored, std::vector<std::string>& wrong) {
  for (const json& item : page.at("items")) {
    for (const json& reading : item.at("readings")) {
      const auto number = reading.at(1).get<std::int64_t>();
      stored[number] += 1;
      if (reading.at(0).get<std::int64_t>() != NumberedProducer::time_of(number)) {
        wrong.push_back(fmt::format("{} has the time {}", number, reading.at(0).dump()));
      }
    }
  }
}

Stored load_all(const RealSite& site, std::int64_t series, std::vector<std::string>& wrong) {
  Stored stored;
  const std::string question = fmt::format("/api/v1/readings?series={}&times=ns", series);
  for (std::string cursor;;) {
    const auto page = site.ask(question + (cursor.empty() ? "" : "&cursor=" + cursor));
    if (!page) {
      wrong.push_back("the coordinator gave no readings");
      return stored;
    }
    take_page(*page, stored, wrong);
    if (page->at("next_cursor").is_null()) return stored;
    cursor = page->at("next_cursor").get<std::string>();
  }
}

}  // namespace

std::vector<std::string> check_numbers(const RealSite& site, const char* node,
                                       const NumberedProducer& producer) {
  std::vector<std::string> wrong;
  const auto series = series_of(site, node, producer.name());
  if (!series) return {fmt::format("{}: there is no series of it", producer.name())};
  const Stored stored = load_all(site, *series, wrong);
  for (const std::int64_t number : producer.answered()) {
    if (!stored.contains(number)) {
      wrong.push_back(fmt::format("{}: {} was answered and is lost", producer.name(), number));
    }
  }
  for (const auto& [number, times] : stored) {
    if (times != 1) {
      wrong.push_back(fmt::format("{}: {} is there {} times", producer.name(), number, times));
    }
    if (number < 1 || number > producer.offered()) {
      wrong.push_back(fmt::format("{}: {} was never offered", producer.name(), number));
    }
  }
  fmt::print("{}: offered {}, answered {}, stored {}\n", producer.name(), producer.offered(),
             producer.answered().size(), stored.size());
  return wrong;
}

std::vector<std::string> check_accounts(const RealSite& site) {
  std::vector<std::string> wrong;
  const json node = site.node();
  if (node.is_null()) return {"the coordinator does not show the node"};
  for (const char* count : {"unexplained", "gaps", "readings_lost", "held"}) {
    if (node.at(count) != 0) {
      wrong.push_back(fmt::format("{} is {}", count, node.at(count).dump()));
    }
  }
  if (node.at("accepted") != node.at("delivered")) wrong.push_back("accepted is not delivered");
  const auto gaps = site.ask("/api/v1/gaps");
  if (!gaps || !gaps->at("items").empty()) {
    wrong.push_back("gaps: " + (gaps ? gaps->dump() : "no answer"));
  }
  fmt::print("node: {}\n", node.dump());
  return wrong;
}

}  // namespace fieldpost::test
