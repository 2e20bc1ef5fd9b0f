#include "coordinator/experiments/sampling_plan.h"

#include <algorithm>
#include <utility>

#include "coordinator/store/retention.h"
#include "proto/wire/limits.h"

namespace fieldpost::coordinator {

using rt::Result;

namespace {

void take_shortest(SamplingIntervals& into, const std::string& measurement, double every_s) {
  const auto [at, is_new] = into.emplace(measurement, every_s);
  if (!is_new) at->second = std::min(at->second, every_s);
}

SamplingIntervals shortest_of(const SamplingIntervals& all, std::size_t count) {
  std::vector<std::pair<double, std::string>> sorted;
  for (const auto& [measurement, every_s] : all) sorted.emplace_back(every_s, measurement);
  std::ranges::sort(sorted);
  SamplingIntervals out;
  for (const auto& [every_s, measurement] : sorted) {
    if (out.size() < count) out.emplace(measurement, every_s);
  }
  return out;
}

WishesByPattern by_pattern(const std::vector<Sensor>& sensors) {
  WishesByPattern out;
  for (const Sensor& sensor : sensors) {
    if (!sensor.enabled || !sensor.sample_every_s) continue;
    take_shortest(out[sensor.node], sensor.measurement, *sensor.sample_every_s);
  }
  return out;
}

/// Of an experiment with a config: known, or read.
Result<WishesByPattern> wishes_of_config(Studies& studies, const Experiment& experiment,
                                         const KnownWishes& known) {
  const auto found = known.find({experiment.config->name, experiment.config->version});
  if (found != known.end()) return found->second;
  const auto sensors = studies.sensors_of(experiment);
  if (!sensors) return sensors.error();
  return by_pattern(*sensors);
}

Result<std::vector<SamplingWishes>> load_all_wishes(Studies& studies, KnownWishes& known) {
  std::vector<SamplingWishes> out;
  KnownWishes used;
  for (const auto state :
       {ExperimentState::kReady, ExperimentState::kRecording, ExperimentState::kPaused}) {
    const auto experiments =
        studies.experiments.list({.state = state, .owner = ""}, 0, kExperimentsMax);
    if (!experiments) return experiments.error();
    for (const Experiment& experiment : *experiments) {
      if (!experiment.config) continue;
      auto wishes = wishes_of_config(studies, experiment, known);
      if (!wishes) return wishes.error();
      used[{experiment.config->name, experiment.config->version}] = *wishes;
      if (!wishes->empty()) out.push_back({experiment.nodes, *std::move(wishes)});
    }
  }
  known = std::move(used);
  return out;
}

}  // namespace

SamplingWishes wishes_of(const Experiment& experiment, const std::vector<Sensor>& sensors) {
  using enum ExperimentState;
  SamplingWishes out{experiment.nodes, {}};
  const bool holds =
      experiment.state == kReady || experiment.state == kRecording || experiment.state == kPaused;
  if (holds) out.by_pattern = by_pattern(sensors);
  return out;
}

SamplingIntervals wanted_of(const std::vector<SamplingWishes>& wishes, std::string_view node) {
  SamplingIntervals out;
  for (const SamplingWishes& each : wishes) {
    if (!has_node(each.nodes, node)) continue;
    for (const auto& [pattern, intervals] : each.by_pattern) {
      if (!matches_pattern(pattern, node)) continue;
      for (const auto& [measurement, every_s] : intervals) {
        take_shortest(out, measurement, every_s);
      }
    }
  }
  return out.size() <= wire::kSamplingHintsMax ? out : shortest_of(out, wire::kSamplingHintsMax);
}

SamplingState PlannedSampling::state() const {
  return told.is_known && told.every_s == wanted ? told.state : SamplingState::kWaiting;
}

bool PlannedSampling::is_due(rt::UnixTime now) const {
  if (!told.is_known || told.every_s != wanted) return true;
  if (told.state != SamplingState::kFailed) return false;
  return told.is_of_process_before || now - rt::UnixTime{told.told} >= kSamplingRetry;
}

Result<std::vector<PlannedSampling>> plan_sampling(Studies& studies, KnownWishes& known) {
  const auto wishes = load_all_wishes(studies, known);
  if (!wishes) return wishes.error();
  auto nodes = studies.sampling.list(!wishes->empty());
  if (!nodes) return nodes.error();
  std::vector<PlannedSampling> out;
  for (ToldSampling& node : *nodes) {
    auto wanted = wanted_of(*wishes, node.node);
    if (wanted.empty() && node.told == 0 && node.is_known) continue;
    out.push_back({std::move(node), std::move(wanted)});
  }
  return out;
}

Result<std::vector<PlannedSampling>> plan_sampling(Studies& studies, const Experiment& experiment,
                                                   std::size_t limit) {
  std::vector<PlannedSampling> out;
  const auto sensors = studies.sensors_of(experiment);
  if (!sensors) return sensors.error();
  const SamplingWishes wishes = wishes_of(experiment, *sensors);
  if (wishes.is_empty()) return out;
  KnownWishes known;
  auto all = plan_sampling(studies, known);
  if (!all) return all.error();
  for (PlannedSampling& each : *all) {
    const bool is_wished = !wanted_of({wishes}, each.told.node).empty();
    if (is_wished && out.size() < limit) out.push_back(std::move(each));
  }
  return out;
}

}  // namespace fieldpost::coordinator
