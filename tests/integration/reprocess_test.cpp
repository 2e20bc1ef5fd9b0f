// Raw messages of a real device source, made into readings anew by the command line.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/real_site.h"
#include "tests/support/run_command.h"
#include "tests/support/site_picture.h"
#include "tests/support/topic_client.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kWaitMost = 30s;
constexpr const char* kSource = R"(
[[source]]
kind = "mqtt_topics"
topic = "plant/{room}"
format = "json"
measurement = "plant"
fields = { temperature = "/t" }
keep_raw = true
)";

struct Plant {
  Plant() {
    site.coordinator().start();
    site.agent().start();
    REQUIRE(wait_until(kWaitMost, [&] {  // the source has to be there before its device
      REQUIRE(publish("plant/probe", R"({"t": 1})"));
      return count("measurement=plant&tag.room=probe") > 0;
    }));
    std::ofstream(rules) << R"({"format": "json", "topic": "plant/{room}", "measurement": "plant",)"
                         << R"( "fields": {"celsius": "/t", "humidity": "/h"}})";
  }
  [[nodiscard]] bool publish(const std::string& topic, const std::string& payload) const {
    return publish_all(site.broker().port(), site.directory(), {{topic, payload}});
  }
  [[nodiscard]] int count(const std::string& filter) const { return count_readings(site, filter); }
  [[nodiscard]] Outcome reprocess(const std::string& options) const {
    return run_command(fmt::format("{} --url http://127.0.0.1:{} reprocess {} 2>&1", FIELDPOST_TOOL,
                                   site.coordinator_port(), options));
  }
  mutable RealSite site{{.agent_config = kSource}};
  std::string rules = site.directory() + "/rules.json";
};

}  // namespace

TEST_CASE("messages that were kept raw become other readings when they are asked to") {
  Plant plant;
  for (int i = 1; i <= 20; ++i) {
    REQUIRE(plant.publish("plant/hall", fmt::format(R"({{"t": {}.5, "h": {}}})", i, 40 + i)));
  }
  REQUIRE(plant.publish("plant/hall", "not JSON"));
  REQUIRE(wait_until(kWaitMost, [&] {
    return plant.count("tag.room=hall&field=temperature") == 20 && plant.site.drained();
  }));
  const std::string chosen = fmt::format("--node {} --rules {}", kNodeName, plant.rules);

  const Outcome lines = plant.reprocess(chosen + " --lines");
  CHECK(lines.exit_code == 0);
  CHECK(lines.out.find("plant,room=hall celsius=20.5 ") != std::string::npos);
  CHECK(lines.out.find("plant,room=hall humidity=60 ") != std::string::npos);
  const Outcome dry = plant.reprocess(chosen);
  INFO(dry.out);
  CHECK(dry.exit_code == 0);
  CHECK(dry.out.find("Nothing is changed yet") != std::string::npos);
  CHECK(plant.count("field=temperature&tag.room=hall") == 20);

  const Outcome done = plant.reprocess(chosen + " --really");
  INFO(done.out);
  CHECK(done.exit_code == 0);
  CHECK(done.out.find("1 messages or lines make no reading; the first: this is not JSON") !=
        std::string::npos);
  CHECK(plant.count("field=temperature") == 0);
  CHECK(plant.count("field=celsius&tag.room=hall") == 20);
  CHECK(plant.count("field=humidity&tag.room=hall") == 20);
  CHECK(plant.count("measurement=fieldpost_raw") >= 22);

  plant.site.coordinator().kill();
  plant.site.coordinator().start();
  REQUIRE(wait_until(kWaitMost, [&] { return plant.count("field=celsius&tag.room=hall") == 20; }));
  CHECK(plant.count("field=temperature") == 0);
  const json node = plant.site.node();
  CHECK(node.at("unexplained") == 0);
  CHECK(node.at("gaps") == 0);
}

}  // namespace fieldpost::test
