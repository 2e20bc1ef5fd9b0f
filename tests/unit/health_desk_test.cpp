#include "coordinator/experiments/health_desk.h"

#include <doctest/doctest.h>

#include <bit>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/api_world.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested
using nlohmann::json;

constexpr const char* kConfig = R"({"name":"house","sensors":[
    {"name":"air","measurement":"air","field":"t","rate_hz":1,"max":50},
    {"name":"soil","measurement":"soil","field":"raw","rate_hz":1},
    {"name":"calm","measurement":"calm","field":"x"}]})";

constexpr const char* kOneOff = R"({"name":"house","sensors":[
    {"name":"air","measurement":"air","field":"t","rate_hz":1},
    {"name":"soil","measurement":"soil","field":"raw","rate_hz":1,"enabled":false}]})";

/// An experiment that records, with one series of its three sensors.
struct Study {
  ApiWorld world;
  SeriesId air = world.add_series("n", "air t f", {{1, 1.0}});
  std::vector<SeriesId> measured = {air};
  std::optional<HealthDesk> desk;
  std::string path = "/api/v1/experiments/drought";

  explicit Study(bool watched = true, const char* config = kConfig) {
    post("/api/v1/sensor_configs", config);
    post("/api/v1/experiments", R"({"name":"drought","config":"house"})");
    post(path + "/state", R"({"state":"ready"})");
    post(path + "/recordings", "{}");
    if (!watched) return;
    desk.emplace(world.loop, world.clock, world.log, *world.studies, world.view);
    desk->start();
  }
  void post(const std::string& where, const std::string& body) {
    REQUIRE(world.ask("POST", where, {}, body).response->status < 300);
  }
  void read(double value) {
    world.sim.run_for(rt::Seconds{1});
    for (auto& [id, handlers] : world.view.subscriptions) {
      for (const SeriesId series : measured) {
        handlers.on_readings(
            {{series, wire::ValueType::kF64, 0, std::bit_cast<std::uint64_t>(value), ""}});
      }
    }
    world.sim.run_for(rt::Millis{10});
  }
  /// "soil silent" of what is wrong now, or ever was.
  std::string flags(const std::string& query) {
    std::string out;
    const json list = world.get(path + "/health" + query);
    for (const json& flag : list.at("items")) {
      out += (out.empty() ? "" : ", ") + flag.at("sensor").get<std::string>() + " " +
             flag.at("kind").get<std::string>();
    }
    return out;
  }
};

TEST_CASE("what is wrong with a sensor is flagged within seconds, and when it is over") {
  Study study;
  for (int i = 0; i < 20; ++i) study.read(i);
  CHECK(study.world.view.last_subscribed == std::vector<SeriesId>{study.air});
  CHECK(study.flags("?open=true") == "soil silent");
  study.read(60);
  study.read(60);
  CHECK(study.flags("?open=true") == "soil silent, air out_of_range");
  CHECK(study.world.get(study.path).at("wrong")[1].at("detail") == "60 is not at most 50");
  study.read(1);
  study.read(1);
  CHECK(study.flags("?open=true") == "soil silent");
  const json all = study.world.get(study.path + "/health").at("items");
  REQUIRE(all.size() == 2);
  CHECK(all[0].at("series").is_null());
  CHECK(all[0].at("to").is_null());
  CHECK(all[1].at("series") == study.air);
  CHECK(all[1].at("to").is_string());
}

TEST_CASE("nobody expects anything of a sensor that is off") {
  Study study(/*watched=*/true, kOneOff);
  study.world.sim.run_for(rt::Seconds{20});
  CHECK(study.flags("") == "air silent");
}

TEST_CASE("a sensor whose first series comes while it is watched is heard from then on") {
  Study study;
  for (int i = 0; i < 6; ++i) study.read(i);
  CHECK(study.flags("?open=true") == "soil silent");
  study.measured.push_back(study.world.add_series("n", "soil raw f", {{1, 1.0}}));
  for (int i = 0; i < 15; ++i) study.read(i);
  CHECK(study.world.view.last_subscribed == study.measured);
  CHECK(study.flags("?open=true") == "");
}

TEST_CASE("a sensor that is heard of again stays out of range when its value is") {
  Study study;
  for (int i = 0; i < 3; ++i) study.read(60);
  study.world.sim.run_for(rt::Seconds{6});
  const auto is_open = [&](const std::string& flag) {
    return study.flags("?open=true").find(flag) != std::string::npos;
  };
  CHECK(is_open("air silent"));
  CHECK(is_open("air out_of_range"));
  for (int i = 0; i < 2; ++i) study.read(60);
  CHECK_FALSE(is_open("air silent"));
  CHECK(is_open("air out_of_range"));
}

TEST_CASE("nothing is over before it began, though the clock was set back") {
  Study study;
  study.world.sim.run_for(rt::Seconds{10});
  study.world.clock.jump(-rt::Seconds{3600});
  for (int i = 0; i < 2; ++i) study.read(1);
  const json all = study.world.get(study.path + "/health").at("items");
  REQUIRE(all.size() == 2);
  CHECK(all[1].at("sensor") == "air");
  CHECK(all[1].at("to") == all[1].at("from"));
}

TEST_CASE("nothing is wrong any more when the experiment does not record") {
  Study study;
  study.world.sim.run_for(rt::Seconds{20});
  CHECK(study.flags("?open=true") == "soil silent, air silent");
  study.post(study.path + "/state", R"({"state":"paused"})");
  study.world.sim.run_for(rt::Seconds{10});
  CHECK(study.flags("?open=true") == "");
  CHECK(study.flags("") == "soil silent, air silent");
  CHECK(study.world.view.subscriptions.empty());
}

TEST_CASE("what cannot be noted now is noted later, in its order") {
  Study study(/*watched=*/false);
  ApiWorld& world = study.world;
  bool is_busy = false;
  StudyDesk moody(world.questions, world.store.make_reader(),
                  [&](const auto& job, const auto& done) {
                    done(is_busy ? rt::Status(rt::Error{rt::Errc::kBusy, "not now"})
                                 : world.store.change_studies(job));
                  });
  HealthDesk desk(world.loop, world.clock, world.log, moody, world.view);
  desk.start();
  study.read(1);
  is_busy = true;
  world.sim.run_for(rt::Seconds{20});
  CHECK(study.flags("") == "");
  study.read(1);
  study.read(1);
  is_busy = false;
  world.sim.run_for(rt::Seconds{2});
  CHECK(study.flags("").find("soil silent, air silent") == 0);
  CHECK(study.flags("?open=true").find("air silent") == std::string::npos);
}

TEST_CASE("what was open when the process ended is over at its next start") {
  Study study;
  study.world.sim.run_for(rt::Seconds{20});
  HealthDesk next(study.world.loop, study.world.clock, study.world.log, *study.world.studies,
                  study.world.view);
  next.start();
  study.world.sim.run_for(rt::Millis{100});
  CHECK(study.flags("?open=true") == "");
}

}  // namespace
}  // namespace fieldpost::test
