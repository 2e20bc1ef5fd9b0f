// Devices that cannot be changed, at a real agent and a real coordinator.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/real_site.h"
#include "tests/support/run_command.h"
#include "tests/support/site_picture.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kWaitMost = 30s;
/// The battery comes with decimals, so the second route fits none of its requests.
constexpr const char* kRoutes = R"(
[[http_route]]
path = "/door/{door}/event"
body = "form"
measurement = "door"
fields = { open = "state" }
types = { open = "bool" }
response_status = 200
response_body = "OK"
[[http_route]]
path = "/meter"
measurement = "meter"
tag_pointers = { id = "/id" }
fields = { battery = "/bat" }
types = { battery = "i64" }
time_pointer = "/at"
)";
constexpr const char* kMended =
    R"({"path": "/meter", "measurement": "meter", "tag_pointers": {"id": "/id"},
        "fields": {"battery": "/bat"}, "time_pointer": "/at"})";

struct Devices {
  Devices() {
    site.coordinator().start();
    site.agent().start();
    REQUIRE(wait_until(kWaitMost, [&] {
      return site.drained() && http_call(site.agent_port(), "GET", "/ping").status == 204;
    }));
    std::ofstream(rules) << kMended;
  }
  [[nodiscard]] static HttpAnswer post(std::uint16_t port, const std::string& target,
                                       const std::string& body) {
    return http_call(port, "POST", target, body);
  }
  [[nodiscard]] int count(const std::string& filter) const { return count_readings(site, filter); }
  /// Two doors' events, and a meter's batch that does not fit.
  void use(std::uint16_t port, const std::string& query) const {
    for (const char* state : {"on", "off"}) {
      const auto answer = post(port, "/door/front/event" + query, fmt::format("state={}", state));
      CHECK(answer.status == 200);
      CHECK(answer.body == "OK");
    }
    const auto answer =
        post(port, "/meter" + query,
             R"([{"id": 7, "bat": 2.9, "at": 100}, {"id": 8, "bat": 3, "at": 100}])");
    CHECK(answer.status == 400);
    CHECK(json::parse(answer.body)
              .at("detail")
              .get<std::string>()
              .starts_with("element /0: the value at \"/bat\" is number, not i64. The request is"));
  }
  /// Until there are as many readings as there have to be, and no more of what did not fit.
  void check_mended(const std::string& node) const {
    REQUIRE(wait_until(kWaitMost, [&] {
      return count("measurement=fieldpost_raw&node=" + node) == 1 &&
             count("measurement=fieldpost_rules&node=" + node) == 1;
    }));
    CHECK(count("measurement=door&node=" + node) == 2);
    CHECK(count("measurement=meter&node=" + node) == 0);
    for (int i = 0; i < 2; ++i) {
      const Outcome done =
          run_command(fmt::format("{} --url http://127.0.0.1:{} reprocess --node {} --source "
                                  "'http_route:POST /meter' --rules {} --really 2>&1",
                                  FIELDPOST_TOOL, site.coordinator_port(), node, rules));
      INFO(done.out);
      CHECK(done.exit_code == 0);
      CHECK(done.out.find("1 messages made 2 readings") != std::string::npos);
    }
    const auto series = site.ask("/api/v1/series?measurement=meter&node=" + node).value();
    REQUIRE(series.at("items").size() == 2);
    for (const json& each : series.at("items")) {
      const auto readings = site.ask("/api/v1/readings?times=ns&series=" + each.at("id").dump());
      CHECK(readings->at("items").at(0).at("readings") ==
            json::array({{100'000'000'000, each.at("tags").at("id") == "7" ? 2.9 : 3.0}}));
    }
  }

  mutable RealSite site{{.agent_config = kRoutes, .coordinator_config = kRoutes}};
  std::string rules = site.directory() + "/rules.json";
};

}  // namespace

TEST_CASE("a device's requests reach the store, and those that did not fit once they are mended") {
  Devices devices;
  RealSite& site = devices.site;
  devices.use(site.agent_port(), "");
  site.agent().kill();  // what was answered is on disk
  site.agent().start();
  REQUIRE(wait_until(kWaitMost, [&] { return site.drained(); }));
  devices.check_mended(kNodeName);
  const json node = site.node();
  CHECK(node.at("unexplained") == 0);
  CHECK(node.at("gaps") == 0);
  CHECK(Devices::post(site.agent_port(), "/write", "m v=1 1").status == 204);
  CHECK(http_call(site.agent_port(), "GET", "/meter").status == 405);
}

TEST_CASE("a device may send to the coordinator itself") {
  Devices devices;
  RealSite& site = devices.site;
  devices.use(site.coordinator_port(), "?node=yard");
  site.coordinator().kill();
  site.coordinator().start();
  REQUIRE(wait_until(kWaitMost, [&] { return devices.count("node=yard") >= 4; }));
  devices.check_mended("yard");
  CHECK(site.node("yard").at("agent") == false);
}

}  // namespace fieldpost::test
