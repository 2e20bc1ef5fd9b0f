#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "coordinator/experiments/study_series.h"
#include "coordinator/store/studies.h"
#include "tests/support/reading_world.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested

constexpr wire::Id128 kWrongBoot{1, 2};

/// A site with an experiment of node "n", ready to record from second 10 on.
struct Site {
  ReadingWorld world;
  NodeNo node = world.add_node("n");
  std::int64_t experiment = add_experiment("study", 10, {"n"});
  std::uint64_t seq = 0;

  std::int64_t add_experiment(const std::string& name, std::int64_t created,
                              std::vector<std::string> nodes) {
    Experiment made;
    made.id = "id of " + name;
    made.name = name;
    made.state = ExperimentState::kReady;
    made.created = created;
    made.nodes = std::move(nodes);
    std::int64_t no = 0;
    REQUIRE(world.change_studies([&](Studies& studies) -> rt::Status {
      const auto added = studies.experiments.create(made);
      if (!added) return added.error();
      no = added->no;
      return rt::ok();
    }));
    return no;
  }

  void press(std::int64_t time, const std::string& action, const std::string& tags = "",
             wire::Id128 boot = {}) {
    press_all({time}, action, ++seq, tags, boot);
  }
  /// In one record.
  void press_all(const std::vector<std::int64_t>& times, const std::string& action,
                 std::uint64_t of_seq, const std::string& tags = "", wire::Id128 boot = {}) {
    const auto set = make_set({"fieldpost_recording" + tags + " action s", "air t f"});
    wire::Columns columns;
    columns.columns.resize(2);
    columns.columns[0].times = times;
    columns.columns[0].values.assign(times.size(), 0);
    columns.columns[0].strings = {action};
    const auto batch = make_batch(node, {1, of_seq}, set, columns, boot);
    world.add(batch);
    REQUIRE(world.change_studies([&](Studies& studies) -> rt::Status {
      const auto series = world.store().series_of(node, *set);
      if (!series) return series.error();
      return studies.take_presses(batch, **series, rt::UnixTime{times.back()});
    }));
  }
  /// The first recording, as somebody does here.
  void stop(std::int64_t time) {
    REQUIRE(world.change_studies([&](Studies& studies) -> rt::Status {
      const auto stopped = studies.stop(recordings(experiment).front(), time, "anna");
      return stopped ? rt::ok() : rt::Status(stopped.error());
    }));
  }
  /// As somebody enters what is over.
  void record(std::int64_t from, std::int64_t to, std::vector<std::string> nodes = {}) {
    REQUIRE(world.change_studies([&](Studies& studies) -> rt::Status {
      Recording entered;
      entered.id = fmt::format("recording {}", from);
      entered.started = from;
      entered.stopped = to;
      entered.nodes = std::move(nodes);
      const auto added = studies.start(studies.experiments.find(experiment).value(), entered);
      return added ? rt::ok() : rt::Status(added.error());
    }));
  }
  /// "n to 200: it was never heard of; " of each node that is awaited.
  std::string waits(std::int64_t now = 1000) {
    Studies studies(world.db());
    const auto awaiting = studies.experiments.find(experiment).value();
    const auto found = outstanding_of(studies, world.db(), world.query(), awaiting, now).value();
    std::string out;
    for (const Outstanding& each : found) {
      out += fmt::format("{} to {}: {}; ", each.node, each.needed_until, each.why);
    }
    return out;
  }
  /// As many presses as are kept, from time 100 on, with the problem of the one that there is.
  void fill(const std::string& boot, PressAction action) {
    world.execute(
        fmt::format("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})"
                    " INSERT INTO press (series_id, time_ns, boot, action, by, arrived_ns, problem)"
                    " SELECT series_id, 99 + i, x'{}', {}, '', 0, problem FROM press, n",
                    kPressesOfSeriesMax, boot, static_cast<int>(action)));
  }

  std::vector<Recording> recordings(std::int64_t of) {
    Studies studies(world.db());
    return studies.recordings.all(of).value();
  }
  /// "10-20 30-" of all of them.
  std::string spans(std::int64_t of) {
    std::string out;
    for (const Recording& each : recordings(of)) {
      out += fmt::format("{}{}-{}", out.empty() ? "" : " ", each.started,
                         each.stopped ? std::to_string(*each.stopped) : "");
    }
    return out;
  }
  std::string spans() { return spans(experiment); }
  ExperimentState state() {
    Studies studies(world.db());
    return studies.experiments.find(experiment).value().state;
  }
  std::string problem() {
    Studies studies(world.db());
    const auto presses = studies.presses.without_effect(10).value();
    return presses.empty() ? "" : presses.front().problem;
  }
};

TEST_CASE("a button in the field starts and stops a recording at the time it was pressed") {
  Site site;
  site.press(100, "start");
  CHECK(site.spans() == "100-");
  CHECK(site.state() == ExperimentState::kRecording);
  CHECK(site.recordings(site.experiment).front().started_by == "node n");
  site.press(200, "stop");
  CHECK(site.spans() == "100-200");
  CHECK(site.state() == ExperimentState::kPaused);
}

TEST_CASE("presses make the same recordings in whatever order they arrive") {
  const std::vector<std::pair<std::int64_t, std::string>> presses = {
      {100, "start"},  {200, "stop"},  {300, "toggle"},
      {400, "toggle"}, {500, "start"}, {600, "start"}};
  std::vector<std::size_t> order = {0, 1, 2, 3, 4, 5};
  std::vector<std::string> ids;
  do {
    Site site;
    for (const std::size_t i : order) site.press(presses[i].first, presses[i].second);
    INFO(fmt::format("{}", fmt::join(order, ",")));
    REQUIRE(site.spans() == "100-200 300-400 500-600 600-");
    REQUIRE(site.state() == ExperimentState::kRecording);
    std::vector<std::string> now;
    for (const Recording& each : site.recordings(site.experiment)) now.push_back(each.id);
    if (ids.empty()) ids = now;
    REQUIRE(now == ids);
    // Every third order is enough: 720 of them take their time.
  } while (std::next_permutation(order.begin(), order.end()) &&
           std::next_permutation(order.begin(), order.end()) &&
           std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("the same press again changes nothing") {
  Site site;
  site.press(100, "start");
  site.press(200, "stop");
  site.press(100, "start");
  CHECK(site.spans() == "100-200");
}

TEST_CASE("who stops a button's recording here has the effect of the button") {
  Site site;
  site.press(100, "toggle");
  site.stop(150);
  CHECK(site.spans() == "100-150");
  CHECK(site.state() == ExperimentState::kPaused);
  site.press(200, "toggle");
  CHECK(site.spans() == "100-150 200-");
  CHECK(site.recordings(site.experiment).front().stopped_by == "anna");
}

TEST_CASE("what is stopped here at its start stays when the button is pressed again") {
  Site site;
  site.press(100, "start");
  site.stop(100);
  CHECK(site.spans() == "100-101");
  site.press(300, "start");
  CHECK(site.spans() == "100-101 300-");
}

TEST_CASE("of two presses at one time the one of the higher rank counts, in whatever order") {
  Site site;
  site.press_all({100}, "start", 5);
  site.press_all({100}, "stop", 3);
  CHECK(site.spans() == "100-");
  site.press_all({100}, "none", 7);
  CHECK(site.spans() == "");
  CHECK(site.state() == ExperimentState::kReady);  // nothing records, and nothing ever did
  site.press_all({100}, "start", 6);
  CHECK(site.spans() == "");
}

TEST_CASE("presses that come to be at one time make one recording") {
  Site site;
  site.world.execute("INSERT INTO boot_clock VALUES (x'" + kWrongBoot.hex() + "', 0, 99)");
  site.press(1, "start", "", kWrongBoot);
  site.press(100, "start");
  CHECK(site.spans() == "100-");
  site.press(200, "stop");
  CHECK(site.spans() == "100-200");
}

TEST_CASE("a press whose recording came back with an import leaves it as it is") {
  Site site;
  site.press(100, "start");
  site.world.execute("UPDATE recording SET pressed_on = 0, experiment_no = 99, stopped_ns = 150");
  site.world.execute("DELETE FROM press");
  site.press(100, "start");
  CHECK(site.spans() == "");
  CHECK(site.spans(99) == "100-150");
  CHECK(site.problem() == "");
  site.press(200, "stop");
  site.press(300, "start");
  CHECK(site.spans() == "300-");
  CHECK(site.spans(99) == "100-150");
}

TEST_CASE("a contact that bounces makes its recordings in one go") {
  Site site;
  std::vector<std::int64_t> times;
  for (std::int64_t i = 0; i < 10'000; ++i) times.push_back(100 + i);
  site.press_all(times, "toggle", 1);
  CHECK(site.world.number("SELECT count(*) FROM recording") == 5'000);
  CHECK(site.world.number("SELECT sum(stopped_ns - started_ns) FROM recording") == 5'000);
  CHECK(site.state() == ExperimentState::kPaused);
}

TEST_CASE(
    "of a button that was pressed very often the old presses go, and what they recorded stays") {
  Site site;
  site.press(1'000'000, "start");
  site.fill("", PressAction::kStop);
  site.stop(2'000'000);
  CHECK(site.spans() == "1000000-2000000");
  site.press(3'000'000, "start");
  CHECK(site.spans() == "1000000-2000000 3000000-");
  CHECK(site.world.number("SELECT count(*) FROM press") == kPressesOfSeriesMax / 2 + 1);
  CHECK(site.problem() == "");
  site.press(150, "start");
  CHECK(site.spans() == "1000000-2000000 3000000-");
  CHECK(site.problem() == kPressLate);
}

TEST_CASE("of presses for which there is no room the first tells") {
  Site site;
  site.press(1, "start", "", kWrongBoot);
  site.fill(kWrongBoot.hex(), PressAction::kStart);
  site.world.execute("DELETE FROM press WHERE time_ns = 1");
  site.press(200, "start");
  CHECK(site.problem() == "100000 presses of a button are kept: this and later ones are not");
  site.press(300, "start");
  CHECK(site.spans() == "");
  CHECK(site.world.number("SELECT count(*) FROM press") == kPressesOfSeriesMax + 1);
}

TEST_CASE("a late press is of a finished experiment, up to its end") {
  Site site;
  site.press(50, "start");
  REQUIRE(site.world.change_studies([&](Studies& studies) -> rt::Status {
    const auto done = studies.change_state(studies.experiments.find(site.experiment).value(),
                                           {ExperimentState::kFinished, false, "anna", 1000});
    return done ? rt::ok() : rt::Status(done.error());
  }));
  CHECK(site.spans() == "50-1000");
  site.press(300, "stop");
  CHECK(site.spans() == "50-300");
  site.press(400, "start");
  CHECK(site.spans() == "50-300 400-1000");
  CHECK(site.state() == ExperimentState::kFinished);
  site.press(2000, "start");
  CHECK(site.spans() == "50-300 400-1000");
  CHECK(site.problem().find("no experiment that could record then") == 0);
}

TEST_CASE("a press that no experiment is meant by is kept with the reason") {
  Site site;
  site.press(5, "start");
  CHECK(site.spans() == "");
  CHECK(site.problem() == "no experiment that could record then has node n");
  site.press(20, "jump");
  CHECK(site.problem() == R"("jump" is not start, stop or toggle)");
  const std::int64_t other = site.add_experiment("other", 10, {});
  site.press(30, "start");
  CHECK(site.problem().find("2 experiments have node n") == 0);
  site.press(40, "start", ",experiment=other");
  CHECK(site.spans(other) == "40-");
  site.press(50, "start", ",experiment=none");
  CHECK(site.problem().find(R"(no experiment "none")") == 0);
}

TEST_CASE("a press names participant and task; what is not known is left out and told") {
  Site site;
  REQUIRE(site.world.change_studies([&](Studies& studies) -> rt::Status {
    const auto member = studies.experiments.add_member(
        site.experiment, {0, "id", MemberKind::kParticipant, "P01", ""});
    return member ? rt::ok() : rt::Status(member.error());
  }));
  site.press(100, "start", ",participant=P01,task=walk");
  const Recording recording = site.recordings(site.experiment).front();
  CHECK(recording.participant.has_value());
  CHECK_FALSE(recording.task.has_value());
  CHECK(site.problem() == R"(the experiment has no task "walk"; it was recorded without)");
}

TEST_CASE("a press that would be one recording too many is stored, and told") {
  Site site;
  site.world.execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
      " INSERT INTO recording (id, experiment_no, nodes, started_ns, started_by, stopped_by)"
      " SELECT 'r' || i, 99, '[]', i, '', '' FROM n");
  site.press(100, "start");
  CHECK(site.spans() == "");
  CHECK(site.problem().find("1000 open ones") != std::string::npos);
  site.world.execute("UPDATE recording SET stopped_ns = started_ns");
  site.press(200, "start");
  CHECK(site.spans() == "100-200 200-");
}

TEST_CASE("a press of a clock that was wrong waits until it is known how wrong") {
  Site site;
  site.press(1, "start", "", kWrongBoot);
  CHECK(site.spans() == "");
  CHECK(site.problem() == kPressWaits);
  site.world.execute("INSERT INTO boot_clock VALUES (x'" + kWrongBoot.hex() + "', 0, 700)");
  REQUIRE(
      site.world.change_studies([](Studies& studies) { return studies.take_overdue_presses(); }));
  CHECK(site.spans() == "701-");
  CHECK(site.problem() == "");
  site.press(3, "stop", "", kWrongBoot);
  CHECK(site.spans() == "701-703");
  constexpr wire::Id128 kOther{3, 4};
  site.press(801, "start", "", kOther);
  site.press(802, "stop", "", kOther);
  CHECK(site.problem() == kPressWaits);
  site.world.execute("INSERT INTO boot_clock VALUES (x'" + kOther.hex() + "', 0, 0)");
  REQUIRE(
      site.world.change_studies([](Studies& studies) { return studies.take_overdue_presses(); }));
  CHECK(site.spans() == "701-703 801-802");
  CHECK(site.problem() == "");
  Studies studies(site.world.db());
  const auto overdue = studies.presses.overdue().value();
  CHECK(overdue.empty());
}

TEST_CASE("an experiment waits for each node that may hold readings of its recordings") {
  Site site;
  site.press(100, "start");
  site.press(200, "stop");
  CHECK(site.waits() == "");  // it writes over HTTP only: what it wrote is here
  site.world.execute("UPDATE node SET current_incarnation = 1");
  CHECK(site.waits() == "n to 200: it has not told yet what it holds; ");
  site.world.execute("UPDATE node SET settled_until_ns = 199");
  CHECK(site.waits() == "n to 200: it may hold readings of that time; ");
  site.world.execute("UPDATE node SET settled_until_ns = 200");
  CHECK(site.waits() == "");
  site.world.execute(
      "INSERT INTO gap (node_no, cause, state, readings_known, since_ns) VALUES (1, 7, 1, 0, 0)");
  CHECK(site.waits() == "n to 200: a gap of it is not confirmed yet; ");
  site.world.execute("UPDATE gap SET last_time = 99");
  CHECK(site.waits() == "");
  site.world.execute("UPDATE gap SET last_time = 150, state = 2");
  CHECK(site.waits() == "");
  site.press(300, "start");
  CHECK(site.waits(400) == "n to 400: it may hold readings of that time; ");
  site.world.execute("UPDATE experiment SET nodes = '[\"n\",\"m\",\"x-*\"]'");
  site.world.execute("UPDATE node SET settled_until_ns = 400");
  CHECK(site.waits(400) == "m to 400: it was never heard of; ");
}

TEST_CASE("a node that is part of no recording is not awaited, though the experiment names it") {
  Site site;
  site.record(100, 200, {"n"});
  site.world.execute("UPDATE experiment SET nodes = '[\"n\",\"m\"]'");
  CHECK(site.waits() == "");
  site.record(300, 400);
  CHECK(site.waits() == "m to 400: it was never heard of; ");
}

TEST_CASE("of recordings that overlap the one that ends last tells how long nodes are awaited") {
  Site site;
  site.record(100, 500);
  site.record(200, 300);
  site.world.execute("UPDATE node SET current_incarnation = 1, settled_until_ns = 400");
  CHECK(site.waits() == "n to 500: it may hold readings of that time; ");
}

TEST_CASE(
    "a gap that is not confirmed keeps an experiment incomplete from its first recording on") {
  Site site;
  site.record(100, 200);
  site.record(300, 400);
  site.world.execute("UPDATE node SET current_incarnation = 1, settled_until_ns = 1000");
  site.world.execute(
      "INSERT INTO gap (node_no, cause, state, last_time, readings_known, since_ns)"
      " VALUES (1, 7, 1, 150, 0, 0)");
  CHECK(site.waits() == "n to 400: a gap of it is not confirmed yet; ");
  site.world.execute("UPDATE gap SET last_time = 99");
  CHECK(site.waits() == "");
}

TEST_CASE("a node with an agent is awaited before its first reading of the experiment is here") {
  Site site;
  site.press(100, "start");
  site.press(200, "stop");
  site.world.execute("UPDATE node SET current_incarnation = 1, settled_until_ns = 999");
  site.world.add_node("far");
  site.world.execute("UPDATE node SET current_incarnation = 2 WHERE id = 'far'");
  site.world.add_node("http");
  const auto waits = [&](const std::vector<std::string>& nodes, const std::string& sensor) {
    REQUIRE(site.world.change_studies([&](Studies& studies) -> rt::Status {
      SensorConfig config;
      config.name = sensor;
      config.version = 1;
      config.sensors = parse_sensors(R"({"sensors":[{"name":"a","measurement":"a","field":"t",)" +
                                     sensor + "}]}")
                           .value();
      if (auto done = studies.configs.insert(config); !done) return done;
      auto experiment = studies.experiments.find(site.experiment);
      if (!experiment) return experiment.error();
      experiment->nodes = nodes;
      experiment->config = ConfigRef{config.name, 1};
      return studies.experiments.update(*experiment);
    }));
    Studies studies(site.world.db());
    const auto experiment = studies.experiments.find(site.experiment).value();
    std::string out;
    const auto found =
        outstanding_of(studies, site.world.db(), site.world.query(), experiment, 1000).value();
    for (const Outstanding& each : found) out += each.node + ": " + each.why + "; ";
    return out;
  };
  const std::string awaited = "far: it has not told yet what it holds; ";
  CHECK(waits({}, R"("node":"*")") == awaited);
  CHECK(waits({"f*"}, R"("node":"?ar")") == awaited);
  CHECK(waits({"n*"}, R"("node":"f*")") == "");
  CHECK(waits({}, R"("node":"n")") == "");
  CHECK(waits({}, R"("enabled":false)") == "");
  site.world.execute("UPDATE recording SET nodes = '[\"n*\"]'");
  CHECK(waits({}, R"("node":"??r")") == "");
}

}  // namespace
}  // namespace fieldpost::test
