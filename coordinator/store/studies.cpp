#include "coordinator/store/studies.h"

#include <fmt/format.h>

#include <algorithm>

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

Result<std::vector<Sensor>> Studies::sensors_of(const Experiment& experiment) {
  if (!experiment.config) return std::vector<Sensor>();
  auto config = configs.find(experiment.config->name, experiment.config->version);
  if (!config) return config.error();
  return std::move(config->sensors);
}

Result<Experiment> Studies::change_state(Experiment experiment, const Change& change) {
  const auto sensors = sensors_of(experiment);
  if (!sensors) return sensors.error();
  const auto has_recordings = recordings.has_any(experiment.no);
  if (!has_recordings) return has_recordings.error();
  StateFacts facts;
  facts.has_sensors = std::ranges::any_of(*sensors, &Sensor::enabled);
  facts.has_recordings = *has_recordings;
  facts.is_complete = change.is_complete;
  if (const auto why = refusal(experiment.state, change.to, facts)) {
    return Error{Errc::kDenied, fmt::format("experiment \"{}\": {}", experiment.name, *why)};
  }
  if (experiment.state == change.to) return experiment;
  const auto open = recordings.open_ones(experiment.no);
  if (!open) return open.error();
  for (const Recording& recording : *open) {
    const std::int64_t time = std::max(change.now, recording.started);
    if (const auto stopped = stop(recording, time, change.by); !stopped) return stopped.error();
  }
  experiment.state = change.to;
  if (change.to == ExperimentState::kFinished) experiment.finished = change.now;
  if (auto done = experiments.update(experiment); !done) return done.error();
  return experiment;
}

Result<Recording> Studies::start(const Experiment& experiment, Recording recording) {
  if (const auto why = refusal_to_record(experiment.state)) {
    return Error{Errc::kDenied, fmt::format("experiment \"{}\": {}", experiment.name, *why)};
  }
  for (const std::string& node : recording.nodes) {
    if (is_one_node(node) && !has_node(experiment.nodes, node)) {
      return Error{Errc::kDenied,
                   fmt::format("experiment \"{}\" has no node {}: its nodes are {}",
                               experiment.name, node, fmt::join(experiment.nodes, ", "))};
    }
  }
  recording.experiment = experiment.no;
  auto added = recordings.add(std::move(recording));
  if (!added) return added;
  if (auto done = settle_state(experiment.no); !done) return done.error();
  return added;
}

Result<Recording> Studies::stop(Recording recording, std::int64_t time, const std::string& by) {
  if (recording.stopped) return recording;
  if (time < recording.started) {
    return Error{Errc::kInvalid, "a recording cannot stop before it started"};
  }
  if (recording.pressed_on != 0) {
    // What its button did before and does later is seen together with this. Of two presses at one
    // time only one would count.
    if (time == recording.started && time < INT64_MAX) time += 1;
    Press press{.series = recording.pressed_on, .time = time, .boot = {}, .rank = kRankHere};
    press.action = PressAction::kStop;
    press.by = by;
    press.arrived = time;
    if (auto done = presses.put(press); !done) return done.error();
  }
  recording.stopped = time;
  recording.stopped_by = by;
  if (auto done = recordings.update(recording); !done) return done.error();
  if (auto done = settle_state(recording.experiment); !done) return done.error();
  return recording;
}

Status Studies::settle_state(std::int64_t no) {
  using enum ExperimentState;
  auto experiment = experiments.find(no);
  if (!experiment) return experiment.error();
  const ExperimentState was = experiment->state;
  if (was != kReady && was != kRecording && was != kPaused) return ok();
  const auto open = recordings.open_ones(no);
  if (!open) return open.error();
  const auto any = recordings.has_any(no);
  if (!any) return any.error();
  experiment->state = !open->empty() ? kRecording : *any ? kPaused : kReady;
  return experiment->state == was ? ok() : experiments.update(*experiment);
}

rt::Status Studies::complete_body(wire::BodyReference& reference) {
  const std::string hash = reference.hash.bytes();
  rt::Statement& find = db_.prepare("SELECT size, type FROM blob WHERE hash = ?1 AND missing = 0");
  const auto row = find.bind_blob(1, hash).step();
  if (!row) return row.error();
  if (!*row) {
    return rt::Error{rt::Errc::kDenied, "the bytes of " + reference.hash.hex() +
                                            " are not here: POST them to /api/v1/blobs first"};
  }
  reference.size = find.u64(0);
  reference.type = find.text(1);
  find.reset();
  return rt::ok();
}

}  // namespace fieldpost::coordinator
