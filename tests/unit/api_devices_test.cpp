#include <doctest/doctest.h>

#include <deque>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "coordinator/http/own_paths.h"
#include "tests/support/api_world.h"
#include "tests/support/fakes/fake_intake.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT
using test::ApiWorld;

namespace {

mapping::HttpRoute make_route(const std::string& method, const std::string& rules,
                              const std::string& node = "") {
  mapping::HttpRoute route;
  route.method = method;
  route.rules = mapping::parse_rules(rules).value();
  route.node = node;
  return route;
}

const mapping::HttpRoute kDoor =
    make_route("POST", R"({"path": "/door/{door}", "body": "form", "measurement": "door",
                "fields": {"open": "open"}, "types": {"open": "bool"}})");

/// The API with these routes of devices.
struct DeviceWorld : ApiWorld {
  explicit DeviceWorld(std::vector<mapping::HttpRoute> routes = {kDoor}) {
    coordinator::Services with_routes = services();
    with_routes.routes = std::move(routes);
    api.emplace(std::move(with_routes));
  }
  const rt::HttpResponse& post(const std::string& target, std::string body,
                               rt::HttpHeaders headers = {}) {
    return *ask("POST", target, std::move(headers), std::move(body)).response;
  }
};

std::string detail_of(const rt::HttpResponse& response) {
  CHECK(response.headers.get("Content-Type") == "application/problem+json");
  return nlohmann::json::parse(response.body).at("detail");
}

}  // namespace

TEST_CASE("a device's readings are those of the node that the request or the route names") {
  DeviceWorld world({kDoor, make_route("POST", R"({"path": "/own", "measurement": "m",
                                                  "fields": {"v": "/v"}})",
                                       "pump-1")});
  CHECK(world.post("/door/front", "open=1").status == 204);
  CHECK(world.post("/door/front?node=hall", "open=0", {{"Idempotency-Key", "k"}}).status == 204);
  CHECK(world.post("/own?node=elsewhere", R"({"v": 1})").status == 204);
  REQUIRE(world.view.writes.size() == 3);
  CHECK(world.view.writes[0].node == "http");
  CHECK(sim::readings_of(world.view.writes[0].lines)
            .at(0)
            .starts_with("door,door=front open b = true @"));
  CHECK(world.view.writes[1].node == "hall");
  CHECK(world.view.writes[1].idempotency_key == "k");
  CHECK(world.view.writes[2].node == "pump-1");
  CHECK(world.post("/door/front?node=_coordinator", "open=1").status == 400);
  CHECK(world.view.writes.size() == 3);
}

TEST_CASE("a device's request that does not fit is kept for its node, with the rules for each") {
  DeviceWorld world;
  for (const char* node : {"a", "b", "a"}) {
    const std::string target = std::string("/door/front?node=") + node;
    const std::string detail = detail_of(world.post(target, "open=ajar"));
    CHECK(detail.starts_with("parameter \"open\" is \"ajar\", not bool. The request is kept"));
    CHECK(detail.find(std::string("--node ") + node + " --source 'http_route:POST /door/{door}'") !=
          std::string::npos);
  }
  REQUIRE(world.view.writes.size() == 3);
  CHECK(world.view.writes[0].lines.readings == 2);
  CHECK(world.view.writes[1].lines.readings == 2);
  CHECK(world.view.writes[2].lines.readings == 1);
  CHECK(world.view.writes[2].lines.keys.at(0).starts_with("fieldpost_raw,rules="));
  CHECK(world.view.writes[2].lines.columns.at(0).strings.at(0) ==
        "{\"topic\":\"/door/front?node=a\"}\nopen=ajar");
}

TEST_CASE("a store that does not take a device's request says when to come again") {
  DeviceWorld world;
  for (const char* body : {"open=1", "open=ajar"}) {
    world.view.write_error = rt::Error{rt::Errc::kFull, "no space"};
    CHECK(world.post("/door/front", body).status == 503);
    world.view.write_error = rt::Error{rt::Errc::kIo, "fsync failed"};
    CHECK(world.post("/door/front", body).status == 500);
  }
  world.view.write_error.reset();
  CHECK(world.post("/door/front", "open=1").status == 204);
}

TEST_CASE("requests of devices under way are bounded") {
  DeviceWorld world;
  std::deque<test::FakeAnswer> many(mapping::RouteLoad::kRequestsMax + 1);
  for (auto& answer : many) {
    world.api->handle(test::make_request("POST", "/door/a", {}, "open=1"),
                      test::make_responder(answer));
  }
  REQUIRE(many.back().response.has_value());
  CHECK(many.back().response->status == 503);
  world.settle();
  CHECK(many.front().response->status == 204);
  CHECK(world.post("/door/a", "open=1").status == 204);
}

TEST_CASE("a device's GET writes, HEAD and pages of other sites do not") {
  DeviceWorld world({make_route("GET", R"({"path": "/report", "body": "query", "measurement": "m",
                                          "fields": {"v": "v"}})")});
  const auto status = [&](const char* method, rt::HttpHeaders headers) {
    return world.ask(method, "/report?v=1", std::move(headers)).response->status;
  };
  CHECK(status("HEAD", {}) == 405);
  CHECK(status("POST", {}) == 405);
  CHECK(status("GET", {{"Host", "box:8080"}, {"Origin", "http://evil.example"}}) == 403);
  CHECK(status("GET", {{"Sec-Fetch-Site", "cross-site"}}) == 403);
  CHECK(status("GET", {{"Sec-Fetch-Site", "same-site"}}) == 403);
  CHECK(world.view.writes.empty());
  CHECK(status("GET", {{"Sec-Fetch-Site", "none"}}) == 204);
  CHECK(status("GET", {}) == 204);
  CHECK(world.view.writes.size() == 2);
}

TEST_CASE("each route is counted") {
  DeviceWorld world;
  world.post("/door/front", "open=1");
  world.post("/door/front", "open=ajar");
  world.post("/door/front", "open=ajar");
  world.post("/door/front?node=", "open=1");
  const std::string text = world.ask("GET", "/metrics").response->body;
  const std::string label = "{route=\"POST /door/{door}\"} ";
  CHECK(text.find("fieldpost_route_readings_total" + label + "1\n") != std::string::npos);
  CHECK(text.find("fieldpost_route_requests_kept_total" + label + "2\n") != std::string::npos);
  CHECK(text.find("fieldpost_route_requests_refused_total" + label + "1\n") != std::string::npos);
}

TEST_CASE("without routes there are no counters of any") {
  ApiWorld world;
  CHECK(world.ask("GET", "/metrics").response->body.find("fieldpost_route_") == std::string::npos);
}

TEST_CASE("every path that the coordinator answers is its own") {
  ApiWorld world;
  const auto own = own_paths();
  const std::set<std::string> paths(own.begin(), own.end());
  for (const auto& route : world.api->router().routes()) {
    INFO(route.pattern);
    CHECK(paths.contains(route.pattern));
  }
}
