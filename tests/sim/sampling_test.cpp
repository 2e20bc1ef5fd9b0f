// How often nodes measure, as experiments want it, over the code that ships: [cmd-6].
#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "coordinator/experiments/sampling_desk.h"
#include "proto/wire/topics.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/sim_site.h"
#include "tests/support/sim/sim_broker.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::sim {
namespace {

using namespace coordinator;  // NOLINT: what is tested
using std::chrono::minutes;
using std::chrono::seconds;
using Every = std::map<std::string, rt::Nanos>;

/// What tells nodes beside the coordinator of a site, as long as that runs.
struct Desk {
  Desk(SimWorld& world, SimSite& site)
      : loop(world),
        worker(loop, world.dice("questions")),
        studies(worker, open(site),
                [&site](StudyDesk::Job job, auto done) {
                  site.coordinator()->change_studies(std::move(job), std::move(done));
                }),
        sampling(loop, site.clock(), site.log(), studies,
                 [&site](const std::string& node, const SamplingIntervals& every_s, auto done) {
                   site.coordinator()->tell_sampling(node, every_s, std::move(done));
                 }) {
    sampling.start();
  }
  ~Desk() { loop.kill(); }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;
  static std::unique_ptr<StudyReader> open(SimSite& site) {
    auto reader = StudyReader::open(site.path(), site.vfs().name());
    REQUIRE(reader.has_value());
    return *std::move(reader);
  }
  SimLoop loop;
  SimWorker worker;
  StudyDesk studies;
  SamplingDesk sampling;
};

/// A site with one node, and an experiment that wants `mem` each second while it is ready.
class SamplingWorld {
 public:
  SamplingWorld() : broker_(world_), site_(world_, broker_), node_(world_, broker_, book_, {}) {
    broker_.set_tap([this](const std::string& from, const rt::MqttMessage& message) {
      const auto topic = wire::parse_topic(message.topic);
      if (topic && !from.empty() && topic->kind == wire::TopicKind::kCommand) sent_ += 1;
      return true;
    });
    site_.start();
    node_.start();
    REQUIRE(run_until([this] { return node_.running() && node_.uplink()->is_up(); }));
    desk_.emplace(world_, site_);
    change([](Studies& studies) -> rt::Status {
      const auto sensors = parse_sensors(R"({"sensors":[
          {"name":"a","measurement":"mem","field":"used","sample_every_s":1}]})");
      SensorConfig config;
      config.name = "house";
      config.sensors = *sensors;
      if (auto made = studies.configs.create(config, {1}); !made) return made.error();
      Experiment experiment;
      experiment.id = experiment.name = "drought";
      experiment.config = ConfigRef{"house", 1};
      const auto made = studies.experiments.create(experiment);
      return made ? rt::ok() : rt::Status(made.error());
    });
  }
  void enter(ExperimentState state) {
    change([state](Studies& studies) -> rt::Status {
      const auto experiment = studies.experiments.find("drought");
      if (!experiment) return experiment.error();
      const auto changed = studies.change_state(*experiment, {.to = state, .by = "test"});
      return changed ? rt::ok() : rt::Status(changed.error());
    });
  }
  void change(std::function<rt::Status(Studies&)> job) {
    std::optional<rt::Status> done;
    site_.coordinator()->change_studies(std::move(job),
                                        [&](rt::Status status) { done = std::move(status); });
    REQUIRE(run_until([&] { return done.has_value(); }));
    REQUIRE(done->has_value());
  }
  bool run_until(const std::function<bool()>& question) {
    return world_.run_until(question, minutes(10));
  }
  void run_for(rt::Nanos span) { world_.run_for(span); }
  [[nodiscard]] bool goes_by(const Every& every) {
    return node_.running() && node_.hints().every == every;
  }
  /// Of the node, as the experiment's page shows it; nothing: it is not there.
  std::optional<SamplingState> state() {
    std::optional<SamplingState> out;
    const auto db = Desk::open(site_);
    KnownWishes known;
    const auto plan = plan_sampling(db->studies, known);
    REQUIRE(plan.has_value());
    for (const PlannedSampling& each : *plan) out = each.state();
    return out;
  }
  void restart_node() {
    node_.kill();
    node_.start();
  }
  void kill_node_at(std::uint64_t call, bool& killed) {
    node_.disk().stop_at(call, [this, &killed] {
      killed = true;
      world_.schedule(rt::Nanos(0), [this] { restart_node(); });
    });
  }
  void restart_site(bool set_back = false) {
    desk_.reset();
    if (set_back) {
      site_.set_back();
    } else {
      site_.kill();
      site_.start();
    }
    desk_.emplace(world_, site_);
  }
  void save_site() { site_.save(); }
  void cut() { broker_.set_link(node_.client_id(), LinkState::kReset); }
  void mend() { broker_.calm(); }
  SimNode& node() { return node_; }
  [[nodiscard]] std::size_t sent() const { return sent_; }

 private:
  SimWorld world_{1};
  SimBroker broker_;
  Ledgerbook book_;
  SimSite site_;
  SimNode node_;
  std::optional<Desk> desk_;
  std::size_t sent_ = 0;
};

const Every kFast{{"mem", seconds(1)}};

TEST_CASE("what an experiment wants reaches the node's sources, and so does its end") {
  SamplingWorld world;
  world.run_for(minutes(1));
  CHECK(world.goes_by({}));
  CHECK(world.sent() == 0);
  world.enter(ExperimentState::kReady);
  world.run_for(seconds(10));
  CHECK(world.goes_by(kFast));
  CHECK(world.state() == SamplingState::kConfirmed);
  world.run_for(minutes(10));
  CHECK(world.sent() == 1);
  world.enter(ExperimentState::kDraft);
  world.run_for(seconds(10));
  CHECK(world.goes_by({}));
  CHECK(world.sent() == 2);
}

TEST_CASE(
    "a node that starts without a link goes on as it was told, and is told of the end later") {
  SamplingWorld world;
  world.enter(ExperimentState::kReady);
  world.run_for(seconds(10));
  world.cut();
  world.restart_node();
  world.run_for(seconds(10));
  CHECK(world.goes_by(kFast));
  world.enter(ExperimentState::kDraft);
  world.run_for(minutes(5));
  CHECK(world.goes_by(kFast));
  CHECK(world.state() == SamplingState::kWaiting);
  world.mend();
  CHECK(world.run_until([&] { return world.goes_by({}); }));
}

TEST_CASE("a coordinator that starts again tells nobody what it knows") {
  SamplingWorld world;
  world.enter(ExperimentState::kReady);
  world.run_for(seconds(10));
  world.restart_site();
  world.run_for(minutes(5));
  CHECK(world.goes_by(kFast));
  CHECK(world.sent() == 1);
}

TEST_CASE("a store that was set back tells a node that obeys what it does not know of") {
  SamplingWorld world;
  world.save_site();
  world.enter(ExperimentState::kReady);
  world.run_for(seconds(10));
  REQUIRE(world.goes_by(kFast));
  world.restart_site(true);  // of the experiment's state, too: it is a draft again
  CHECK(world.run_until([&] { return world.goes_by({}); }));
}

TEST_CASE("a node whose disk was set back, or is new, is told again") {
  SamplingWorld world;
  SimDisk::Image image;
  SUBCASE("set back to before it was told") {
    world.restart_node();
    world.run_for(minutes(1));
    image = world.node().image();
    world.restart_node();
    world.run_for(minutes(1));
  }
  SUBCASE("new") {}
  world.enter(ExperimentState::kReady);
  world.run_for(seconds(10));
  REQUIRE(world.goes_by(kFast));
  world.node().restore(image);
  world.node().start();
  CHECK(world.goes_by({}));
  CHECK(world.run_until([&] { return world.goes_by(kFast); }));
  world.run_for(seconds(10));
  CHECK(world.state() == SamplingState::kConfirmed);
}

TEST_CASE("wherever the node is killed, it measures as it was told in the end, and says so") {
  bool killed = true;
  for (std::uint64_t call = 1; killed; ++call) {
    INFO("killed at call ", call);
    SamplingWorld world;
    killed = false;
    world.kill_node_at(call, killed);
    world.enter(ExperimentState::kReady);
    world.run_for(minutes(2));
    CHECK(world.goes_by(kFast));
    CHECK(world.state() == SamplingState::kConfirmed);
    world.cut();
    world.restart_node();
    world.run_for(seconds(5));
    CHECK(world.goes_by(kFast));
  }
}

}  // namespace
}  // namespace fieldpost::sim
