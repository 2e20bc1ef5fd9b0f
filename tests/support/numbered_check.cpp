#include "tests/support/numbered_check.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/support/sqlite_copy.h"

namespace fieldpost::test {

namespace {

using nlohmann::json;

/// Batches as they came, and what compaction made of earlier ones.
constexpr const char* kCount =
    "SELECT delivered,"
    " (SELECT ifnull(sum(readings), 0) FROM batch WHERE node_no = node.no),"
    " (SELECT ifnull(sum(chunk.count), 0) FROM chunk JOIN series ON series.id = series_id"
    "  WHERE series.node_no = node.no)"
    " FROM node WHERE id = '{}';";

std::optional<std::int64_t> series_of(const RealSite& site, const char* node,
                                      const std::string& producer) {
  const auto list = site.ask(fmt::format("/api/v1/series?node={}&measurement={}&tag.producer={}",
                                         node, NumberedProducer::kMeasurement, producer));
  if (!list || list->at("items").size() != 1) return std::nullopt;
  return list->at("items").at(0).at("id").get<std::int64_t>();
}

void take_page(const json& page, std::vector<ShownNumber>& shown) {
  for (const json& item : page.at("items")) {
    for (const json& reading : item.at("readings")) {
      shown.push_back({reading.at(1).get<std::int64_t>(), reading.at(0).get<std::int64_t>()});
    }
  }
}

std::vector<ShownNumber> load_all(const RealSite& site, std::int64_t series) {
  std::vector<ShownNumber> shown;
  const std::string question = fmt::format("/api/v1/readings?series={}&times=ns", series);
  for (std::string cursor;;) {
    const auto page = site.ask(question + (cursor.empty() ? "" : "&cursor=" + cursor));
    if (!page) return shown;
    take_page(*page, shown);
    if (page->at("next_cursor").is_null()) return shown;
    cursor = page->at("next_cursor").get<std::string>();
  }
}

}  // namespace

Numbers load_numbers(const RealSite& site, const char* node, const NumberedProducer& producer) {
  Numbers numbers{producer.name(), producer.offered(), producer.answered(), {}};
  if (const auto series = series_of(site, node, producer.name())) {
    numbers.shown = load_all(site, *series);
  }
  fmt::print("{}: offered {}, answered {}, shown {}\n", numbers.producer, numbers.offered,
             numbers.answered.size(), numbers.shown.size());
  return numbers;
}

std::vector<std::int64_t> lost_numbers(const Numbers& numbers) {
  std::set<std::int64_t> shown;
  for (const ShownNumber& each : numbers.shown) shown.insert(each.number);
  std::vector<std::int64_t> lost;
  for (const std::int64_t number : numbers.answered) {
    if (!shown.contains(number)) lost.push_back(number);
  }
  return lost;
}

std::vector<std::string> check_numbers(const Numbers& numbers, std::size_t answered_least) {
  std::vector<std::string> wrong;
  const auto complain = [&](const std::string& what) {
    wrong.push_back(numbers.producer + ": " + what);
  };
  if (numbers.answered.size() < answered_least) {
    complain(fmt::format("only {} were answered, which proves nothing: at least {} are needed",
                         numbers.answered.size(), answered_least));
  }
  for (const std::int64_t number : lost_numbers(numbers)) {
    complain(fmt::format("{} was answered and is lost", number));
  }
  std::set<std::int64_t> seen;
  for (const auto& [number, time_ns] : numbers.shown) {
    if (!seen.insert(number).second) complain(fmt::format("{} is shown twice", number));
    if (number < 1 || number > numbers.offered) {
      complain(fmt::format("{} was never offered", number));
    }
    if (time_ns != NumberedProducer::time_of(number)) {
      complain(fmt::format("{} has the time {}", number, time_ns));
    }
  }
  return wrong;
}

std::optional<StoreCounts> count_store(const RealSite& site, const char* node) {
  const auto row = ask_sqlite_copy(site.store_file(), site.directory(), fmt::format(kCount, node));
  if (!row) return std::nullopt;
  std::istringstream columns(*row);
  StoreCounts counts;
  char bar = 0;
  columns >> counts.delivered >> bar >> counts.in_batches >> bar >> counts.in_chunks;
  if (!columns) return std::nullopt;
  return counts;
}

std::vector<std::string> check_counts(const char* node, const std::optional<StoreCounts>& counts,
                                      std::size_t shown) {
  if (!counts) return {fmt::format("{}: the store could not be counted", node)};
  const auto expected = static_cast<std::int64_t>(shown);
  std::vector<std::string> wrong;
  if (counts->delivered != expected) {
    wrong.push_back(
        fmt::format("{}: delivered are {}, shown are {}", node, counts->delivered, expected));
  }
  if (const auto stored = counts->in_batches + counts->in_chunks; stored != expected) {
    wrong.push_back(
        fmt::format("{}: the store has {} readings, shown are {}", node, stored, expected));
  }
  return wrong;
}

std::vector<std::string> check_accounts(const RealSite& site, const char* node) {
  const json shown = site.node(node);
  if (shown.is_null()) return {fmt::format("{}: the coordinator does not show the node", node)};
  std::vector<std::string> wrong;
  for (const char* count : {"unexplained", "gaps", "readings_lost", "held"}) {
    if (shown.at(count) != 0) {
      wrong.push_back(fmt::format("{}: {} is {}", node, count, shown.at(count).dump()));
    }
  }
  if (shown.at("accepted") != shown.at("delivered")) {
    wrong.push_back(fmt::format("{}: accepted is not delivered", node));
  }
  const auto gaps = site.ask("/api/v1/gaps");
  if (!gaps || !gaps->at("items").empty()) {
    wrong.push_back("gaps: " + (gaps ? gaps->dump() : "no answer"));
  }
  fmt::print("{}: {}\n", node, shown.dump());
  return wrong;
}

}  // namespace fieldpost::test
