#include <doctest/doctest.h>

#include <bit>
#include <string>

#include "coordinator/http/live_routes.h"
#include "tests/support/api_world.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT
using test::ApiWorld;

namespace {

LiveReading reading(SeriesId series, std::int64_t seconds, double value) {
  return {series,
          wire::ValueType::kF64,
          seconds * 1'000'000'000,
          std::bit_cast<std::uint64_t>(value),
          {}};
}

std::string id(SeriesId series) {
  return std::to_string(series);
}

}  // namespace

TEST_CASE("readings, gaps and nodes arrive as events") {
  ApiWorld world;
  const auto a = world.add_series("n", "m a f", {{1, 2}});
  auto& answer = world.ask("GET", "/api/v1/live?times=ns&series=" + id(a));
  REQUIRE(answer.streaming);
  CHECK(answer.stream_headers.get("Content-Type") == "text/event-stream");
  CHECK(world.view.last_subscribed == std::vector<SeriesId>{a});
  CHECK(answer.text == "retry: 2000\n\n");
  answer.text.clear();
  auto& live = world.view.subscriptions.begin()->second;
  live.on_readings({reading(a, 5, 1.5), reading(a, 6, 2)});
  CHECK(answer.text == "event: reading\ndata: {\"series\":" + id(a) +
                           ",\"time\":5000000000,\"value\":1.5}\n\n"
                           "event: reading\ndata: {\"series\":" +
                           id(a) + ",\"time\":6000000000,\"value\":2}\n\n");
  answer.text.clear();
  GapView gap;
  gap.id = 3;
  live.on_gap(gap);
  CHECK(answer.text.starts_with("event: gap\ndata: {\"id\":3,"));
  CHECK(answer.text.ends_with("}\n\n"));
  answer.text.clear();
  NodeView node;
  node.id = "a\nb";
  live.on_node(node);
  CHECK(answer.text.starts_with("event: node\ndata: {\"id\":\"a\\nb\","));
}

TEST_CASE("a stream may begin with the last readings, none of them older than what was sent") {
  ApiWorld world;
  const auto a = world.add_series("n", "m a f", {{1, 2}, {4, 8}});
  const auto b = world.add_series("n", "m b f", {{1, 2}, {5, 9}});
  auto& answer = world.ask("GET", "/api/v1/live?last=true&times=ns&series=" + id(a) + "," + id(b));
  REQUIRE(answer.streaming);
  auto& live = world.view.subscriptions.begin()->second;
  live.on_readings({reading(a, 7, 1)});
  world.settle();
  CHECK(answer.text.find("\"time\":4000000000") == std::string::npos);
  CHECK(answer.text.ends_with("data: {\"series\":" + id(b) +
                              ",\"time\":5000000000,\"value\":9}\n\n"));
}

TEST_CASE("a stream beats while nothing happens and ends with its client") {
  ApiWorld world;
  auto& answer = world.ask("GET", "/api/v1/live");
  answer.text.clear();
  world.sim.run_for(2 * rt::Nanos(kHeartbeat));
  CHECK(answer.text == ": alive\n\n: alive\n\n");
  answer.leave();
  CHECK(world.view.subscriptions.empty());
  CHECK(answer.ended);
}

TEST_CASE("streams are bounded") {
  ApiWorld world;
  for (std::size_t i = 0; i < kLiveStreamsMax; ++i) {
    REQUIRE(world.ask("GET", "/api/v1/live").streaming);
  }
  const auto& refused = world.ask("GET", "/api/v1/live");
  REQUIRE(refused.response.has_value());
  CHECK(refused.response->status == 503);
  CHECK(world.view.subscriptions.size() == kLiveStreamsMax);
  world.answers.front().leave();
  CHECK(world.ask("GET", "/api/v1/live").streaming);
  std::string ids = "1";
  for (std::size_t i = 2; i <= kLiveSeriesMax + 1; ++i) ids += "," + std::to_string(i);
  CHECK(world.problem("/api/v1/live?series=" + ids, 400) ==
        "parameter series: expected at most 1000 ids");
}
