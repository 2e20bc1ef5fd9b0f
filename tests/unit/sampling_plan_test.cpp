#include "coordinator/experiments/sampling_plan.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <utility>

#include "proto/wire/limits.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested
using std::chrono::minutes;

Sensor sensor(const std::string& measurement, double every_s, const std::string& node = "*") {
  Sensor out;
  out.name = measurement;
  out.measurement = measurement;
  out.node = node;
  out.sample_every_s = every_s;
  return out;
}

Experiment experiment(ExperimentState state, std::vector<std::string> nodes = {}) {
  Experiment out;
  out.state = state;
  out.nodes = std::move(nodes);
  return out;
}

/// A node that was told `every_s` at 0 and confirmed it.
PlannedSampling planned(SamplingIntervals every_s, SamplingIntervals wanted) {
  PlannedSampling out;
  out.told.every_s = std::move(every_s);
  out.told.told = 1;
  out.wanted = std::move(wanted);
  return out;
}

TEST_CASE("an experiment has wishes while it is ready, recording or paused") {
  using enum ExperimentState;
  const std::vector<Sensor> sensors{sensor("mem", 1)};
  for (const auto state : {kReady, kRecording, kPaused}) {
    CHECK_FALSE(wishes_of(experiment(state), sensors).is_empty());
  }
  for (const auto state : {kDraft, kFinished, kArchived}) {
    CHECK(wishes_of(experiment(state), sensors).is_empty());
  }
}

TEST_CASE("sensors that are off, and those without a hint, wish nothing") {
  Sensor off = sensor("mem", 1);
  off.enabled = false;
  Sensor without = sensor("soil", 1);
  without.sample_every_s.reset();
  CHECK(wishes_of(experiment(ExperimentState::kReady), {off, without}).is_empty());
}

TEST_CASE("a node is wanted to measure what any experiment wishes of it, as often as the keenest") {
  using enum ExperimentState;
  const std::vector<SamplingWishes> wishes{
      wishes_of(experiment(kReady, {"green-*"}),
                {sensor("mem", 5), sensor("mem", 3), sensor("soil", 10, "green-1")}),
      wishes_of(experiment(kPaused), {sensor("mem", 4), sensor("load", 60, "green-?")})};
  CHECK(wanted_of(wishes, "green-1") == SamplingIntervals{{"mem", 3}, {"soil", 10}, {"load", 60}});
  CHECK(wanted_of(wishes, "green-2") == SamplingIntervals{{"mem", 3}, {"load", 60}});
  CHECK(wanted_of(wishes, "blue") == SamplingIntervals{{"mem", 4}});
  CHECK(wanted_of({}, "blue").empty());
}

TEST_CASE("of more measurements than a node can be told those with the shortest intervals are") {
  std::vector<Sensor> sensors;
  for (std::size_t i = 0; i < wire::kSamplingHintsMax + 10; ++i) {
    sensors.push_back(sensor(fmt::format("m{}", i), 1000 - static_cast<double>(i)));
  }
  const auto wanted = wanted_of({wishes_of(experiment(ExperimentState::kReady), sensors)}, "node");
  CHECK(wanted.size() == wire::kSamplingHintsMax);
  CHECK_FALSE(wanted.contains("m9"));
  CHECK(wanted.contains("m10"));
}

TEST_CASE("a node is told when what is wanted is not what it was told") {
  const rt::UnixTime now{1};
  PlannedSampling node = planned({{"mem", 1}}, {{"mem", 1}});
  CHECK_FALSE(node.is_due(now));
  CHECK(node.state() == SamplingState::kConfirmed);
  node.told.state = SamplingState::kWaiting;
  CHECK_FALSE(node.is_due(now));
  node.wanted["mem"] = 2;
  CHECK(node.is_due(now));
  node.told.state = SamplingState::kConfirmed;
  CHECK(node.state() == SamplingState::kWaiting);
}

TEST_CASE("a node whose spool may have forgotten what it was told is told again") {
  PlannedSampling node = planned({{"mem", 1}}, {{"mem", 1}});
  node.told.is_known = false;
  CHECK(node.is_due(rt::UnixTime{1}));
  CHECK(node.state() == SamplingState::kWaiting);
}

TEST_CASE("a node that could not do it is told again after an hour, or when its agent starts") {
  PlannedSampling node = planned({{"mem", 1}}, {{"mem", 1}});
  node.told.state = SamplingState::kFailed;
  CHECK(node.state() == SamplingState::kFailed);
  const rt::UnixTime told{node.told.told};
  CHECK_FALSE(node.is_due(told + minutes(59)));
  CHECK(node.is_due(told + minutes(60)));
  node.told.is_of_process_before = true;
  CHECK(node.is_due(told));
}

}  // namespace
}  // namespace fieldpost::test
