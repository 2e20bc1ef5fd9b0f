#include "coordinator/experiments/sampling_desk.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/api_world.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested
using nlohmann::json;
using std::chrono::minutes;

constexpr const char* kConfig = R"({"name":"house","sensors":[
    {"name":"memory","measurement":"mem","field":"used","sample_every_s":1},
    {"name":"soil","measurement":"soil","field":"raw","node":"green-*","sample_every_s":5},
    {"name":"load","measurement":"system","field":"load1"}]})";

/// A site with nodes, and a coordinator that tells those that are not away.
struct Site {
  ApiWorld world;
  std::set<std::string> away;
  std::vector<std::string> told;   ///< "green-1 {…}"
  std::optional<rt::Error> error;  ///< of telling anybody
  bool is_slow = false;            ///< whoever is told is told later
  std::vector<std::function<void()>> later;
  std::uint64_t last_command = 0;
  std::unique_ptr<SamplingDesk> desk;
  std::string path = "/api/v1/experiments/drought";

  Site() {
    add_node("green-1");
    post("/api/v1/sensor_configs", kConfig);
    post("/api/v1/experiments", R"({"name":"drought","config":"house"})");
    restart();
  }
  void restart() {
    desk = std::make_unique<SamplingDesk>(
        world.loop, world.clock, world.log, *world.studies,
        [this](const std::string& node, const SamplingIntervals& every_s,
               std::function<void(rt::Status)> done) { tell(node, every_s, std::move(done)); });
    desk->start();
    look();
  }
  void look() { world.sim.run_for(SamplingDesk::kLookEvery + rt::Seconds(1)); }
  void add_node(const std::string& name) {
    const NodeNo no = world.store.add_node(name);
    world.store.execute(fmt::format(
        "INSERT INTO incarnation (node_no, spool, value, ordinal) VALUES ({0}, x'{0:02d}', 1, 1);"
        "UPDATE node SET current_incarnation = last_insert_rowid() WHERE no = {0}",
        no));
  }
  void tell(const std::string& node, const SamplingIntervals& every_s,
            std::function<void(rt::Status)> done) {
    if (away.contains(node)) return done(rt::Error{rt::Errc::kUnavailable, "not connected"});
    if (error) return done(*error);
    if (is_slow) {
      later.push_back([=, this] { keep(node, every_s, done); });
    } else {
      keep(node, every_s, done);
    }
  }
  void keep(const std::string& node, const SamplingIntervals& every_s,
            const std::function<void(rt::Status)>& done) {
    told.push_back(node + " " + encode_intervals(every_s));
    last_command += 1;
    done(world.store.change_studies([&](Studies& studies) {
      world.store.execute(fmt::format(
          "INSERT INTO command SELECT no, {}, x'07', 0, 0, 'sampling', '{{}}', NULL FROM node"
          " WHERE id = '{}'",
          last_command, node));
      return studies.sampling.note_told(node, every_s, last_command, world.clock.now());
    }));
  }
  void answer(const std::string& outcome) {
    world.store.execute(
        fmt::format("UPDATE command SET outcome = '{}' WHERE id = {}", outcome, last_command));
  }
  void post(const std::string& where, const std::string& body) {
    REQUIRE(world.ask("POST", where, {}, body).response->status < 300);
  }
  void enter(const std::string& state) { post(path + "/state", R"({"state":")" + state + "\"}"); }
  /// The node's place on the experiment's page.
  json place(const std::string& node) {
    const json all = world.get(path).at("sampling");
    for (const json& each : all) {
      if (each.at("node") == node) return each;
    }
    return nullptr;
  }
};

using Told = std::vector<std::string>;

TEST_CASE("nodes are told what an experiment wants, and that it is over") {
  Site site;
  CHECK(site.told.empty());
  site.enter("ready");
  site.look();
  CHECK(site.told == Told{R"(green-1 {"mem":1.0,"soil":5.0})"});
  site.post(site.path + "/recordings", "{}");
  site.look();
  site.enter("paused");
  site.look();
  CHECK(site.told.size() == 1);
  site.enter("finished");
  site.look();
  CHECK(site.told.back() == "green-1 {}");
  site.look();
  CHECK(site.told.size() == 2);
}

TEST_CASE("what a version of a config wishes is read once, and forgotten when nothing has it") {
  Site site;
  const auto known_after = [&](KnownWishes known) {
    REQUIRE(site.world.store.change_studies([&](Studies& studies) {
      const auto plan = plan_sampling(studies, known);
      return plan ? rt::ok() : rt::Status(plan.error());
    }));
    return known;
  };
  CHECK(known_after({}).empty());
  site.enter("ready");
  site.look();
  const KnownWishes known = known_after({});
  REQUIRE(known.size() == 1);
  site.world.store.execute(
      "CREATE TABLE kept AS SELECT sensors FROM sensor_config;"
      "UPDATE sensor_config SET sensors = 'damaged'");
  site.add_node("green-2");
  site.look();
  CHECK(site.told.back() == R"(green-2 {"mem":1.0,"soil":5.0})");
  CHECK(known_after(known) == known);
  site.world.store.execute("UPDATE sensor_config SET sensors = (SELECT sensors FROM kept)");
  site.post(site.path + "/recordings", "{}");
  site.enter("finished");
  CHECK(known_after(known).empty());
}

TEST_CASE("a node that comes later is told then, and what its pattern leaves out is not") {
  Site site;
  site.enter("ready");
  site.look();
  site.add_node("blue");
  site.look();
  CHECK(site.told.back() == R"(blue {"mem":1.0})");
  CHECK(site.told.size() == 2);
}

TEST_CASE("a node that is away is told when it is back, and others are not kept waiting") {
  Site site;
  site.away.insert("green-1");
  site.add_node("green-2");
  site.enter("ready");
  site.look();
  CHECK(site.told == Told{R"(green-2 {"mem":1.0,"soil":5.0})"});
  CHECK(site.place("green-1").at("state") == "waiting");
  CHECK(site.place("green-1").at("told").is_null());
  site.away.clear();
  site.look();
  CHECK(site.told.size() == 2);
  CHECK(site.world.log.count_containing("not connected") == 0);
}

TEST_CASE("a restart tells nothing twice") {
  Site site;
  site.enter("ready");
  site.look();
  site.restart();
  SUBCASE("not answered") {}
  SUBCASE("answered") {
    site.answer(R"({"ok":true,"detail":""})");
  }
  site.restart();
  CHECK(site.told.size() == 1);
}

TEST_CASE("what is being told is not told again meanwhile") {
  Site site;
  site.is_slow = true;
  site.enter("ready");
  site.look();
  site.look();
  REQUIRE(site.later.size() == 1);
  site.later.front()();
  site.look();
  CHECK(site.later.size() == 1);
}

TEST_CASE("a look tells so many nodes at once, and the next one the others") {
  Site site;
  for (std::size_t i = 0; i < SamplingDesk::kTellingMax; ++i) site.add_node(fmt::format("n{}", i));
  site.is_slow = true;
  site.enter("ready");
  site.look();
  CHECK(site.later.size() == SamplingDesk::kTellingMax);
  for (const auto& tell : std::exchange(site.later, {})) tell();
  site.look();
  CHECK(site.later.size() == 1);
}

TEST_CASE("what failed is told again after a pause") {
  Site site;
  site.enter("ready");
  site.look();
  site.answer(R"({"ok":false,"detail":"no such verb"})");
  site.look();
  CHECK(site.told.size() == 1);
  CHECK(site.place("green-1").at("state") == "failed");
  CHECK(site.place("green-1").at("detail") == "no such verb");
  site.world.sim.run_for(minutes(61));
  CHECK(site.told.size() == 2);
  site.answer(R"({"ok":null,"detail":"expired"})");
  site.world.sim.run_for(minutes(61));
  CHECK(site.told.size() == 3);
}

TEST_CASE("the page of an experiment shows what was told to its nodes, and what came of it") {
  Site site;
  site.add_node("blue");
  site.enter("ready");
  CHECK(site.place("green-1") == json{{"node", "green-1"},
                                      {"wanted", {{"mem", 1.0}, {"soil", 5.0}}},
                                      {"told", nullptr},
                                      {"time", nullptr},
                                      {"state", "waiting"},
                                      {"detail", ""}});
  site.away.insert("blue");
  site.look();
  CHECK(site.place("green-1").at("told") == json{{"mem", 1.0}, {"soil", 5.0}});
  CHECK(site.place("green-1").at("state") == "waiting");
  site.answer(R"({"ok":true,"detail":"soil: no source here samples it by itself"})");
  CHECK(site.place("green-1").at("state") == "confirmed");
  CHECK(site.place("green-1").at("time").is_string());
  CHECK(site.place("green-1").at("detail") == "soil: no source here samples it by itself");
  site.post("/api/v1/experiments", R"({"name":"other","config":"house","nodes":["blue"]})");
  CHECK(site.world.get("/api/v1/experiments/other").at("sampling").empty());
  site.post("/api/v1/experiments/other/state", R"({"state":"ready"})");
  CHECK(site.world.get("/api/v1/experiments/other").at("sampling").size() == 1);
  site.post(site.path + "/recordings", "{}");
  site.enter("finished");
  CHECK(site.world.get(site.path).at("sampling").empty());
}

TEST_CASE("a node that cannot be told is a warning, and is tried again") {
  Site site;
  site.error = rt::Error{rt::Errc::kFull, "no space"};
  site.enter("ready");
  site.look();
  CHECK(site.world.log.count_containing("telling node green-1 how often to measure: no space") > 0);
  site.error.reset();
  site.look();
  CHECK(site.told.size() == 1);
}

TEST_CASE("a plan that cannot be made is a warning, and is made later") {
  Site site;
  site.enter("ready");
  for (int i = 0; i < kStudyJobsMax; ++i) {
    site.world.studies->ask<bool>([](StudyReader&) { return true; }, [](rt::Result<bool>) {});
  }
  site.restart();
  CHECK(site.world.log.count_containing("how often to measure: too much is asked") == 1);
  site.look();
  CHECK(site.told.size() == 1);
}

}  // namespace
}  // namespace fieldpost::test
