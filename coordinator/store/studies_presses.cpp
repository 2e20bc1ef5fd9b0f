// Buttons in the field: presses become recordings.
#include <fmt/format.h>

#include <algorithm>

#include "coordinator/experiments/button.h"
#include "coordinator/experiments/uuid.h"
#include "coordinator/store/studies.h"
#include "proto/wire/hash.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

struct Studies::Button {
  SeriesId series = 0;
  std::string node;
  wire::SeriesKey key;
  [[nodiscard]] std::string tag(std::string_view name) const {
    const auto found =
        std::ranges::find_if(key.tags, [&](const auto& t) { return t.first == name; });
    return found == key.tags.end() ? std::string() : found->second;
  }
};

namespace {

/// The same press makes the same recording, on whatever day it arrives.
std::string recording_id(const std::string& node, const std::string& key, std::int64_t time) {
  return uuid_of(wire::hash128(fmt::format("{}\n{}\n{}", node, key, time)));
}

bool is_press(const std::string& key) {
  if (!key.starts_with(kPressMeasurement)) return false;
  const auto parsed = wire::SeriesKey::parse(key);
  return parsed && parsed->measurement == kPressMeasurement && parsed->field == kPressField &&
         parsed->type == wire::ValueType::kString;
}

}  // namespace

Status Studies::take_presses(const PressColumns& in, rt::UnixTime now) {
  for (std::size_t c = 0; c < in.set.keys.size(); ++c) {
    if (!is_press(in.set.keys[c])) continue;
    const auto button = find_button(in.series[c]);
    if (!button) return button.error();
    const wire::Column& column = in.columns.columns[c];
    std::int64_t first = INT64_MAX;
    for (std::size_t i = 0; i < column.count(); ++i) {
      Press press{.series = in.series[c], .time = column.times[i], .boot = in.boot};
      const std::string& text = column.strings[static_cast<std::size_t>(column.values[i])];
      press.action = parse_press_action(text);
      press.by = "node " + button->node;
      press.arrived = now.ns;
      if (press.action == PressAction::kNone) {
        press.problem = fmt::format("\"{}\" is not start, stop or toggle", text.substr(0, 100));
      }
      // The reading is stored all the same: a bound of ours must not hold up a node.
      auto put = presses.put(press);
      if (!put && put.error().code == Errc::kFull) continue;
      if (!put) return put;
      first = std::min(first, press.time);
    }
    if (first == INT64_MAX) continue;
    const std::int64_t from = in.boot.is_zero() ? first : INT64_MIN;
    if (auto done = settle_button(in.series[c], from); !done) return done;
  }
  return ok();
}

Status Studies::take_overdue_presses() {
  const auto series = presses.overdue();
  if (!series) return series.error();
  for (const SeriesId each : *series) {
    if (auto done = settle_button(each, INT64_MIN); !done) return done;
  }
  return ok();
}

Result<Studies::Button> Studies::find_button(SeriesId series) {
  rt::Statement& stmt =
      db_.prepare("SELECT node.id, key FROM series JOIN node ON no = node_no WHERE series.id = ?1");
  const auto row = stmt.bind(1, series).step();
  if (!row) return row.error();
  if (!*row) return Error{Errc::kNotFound, fmt::format("no series {}", series)};
  Button button{series, std::string(stmt.text(0)), {}};
  auto key = wire::SeriesKey::parse(stmt.text(1));
  stmt.reset();
  if (!key) return Error{Errc::kCorrupt, key.error().message};
  button.key = *std::move(key);
  return button;
}

/// Presses before the last recording that began by then have done what they do.
Result<std::int64_t> Studies::window_of(SeriesId series, std::int64_t pressed) {
  const auto all = recordings.pressed_on(series);
  if (!all) return all.error();
  std::int64_t from = INT64_MIN;
  for (const Recording& recording : *all) {
    if (recording.started <= pressed) from = recording.started;
  }
  return from;
}

Status Studies::settle_button(SeriesId series, std::int64_t pressed) {
  const auto button = find_button(series);
  if (!button) return button.error();
  const auto from = window_of(series, pressed);
  if (!from) return from.error();
  auto found = presses.since(series, *from);
  if (!found) return found.error();
  auto before = recordings.pressed_on(series);
  if (!before) return before.error();
  std::erase_if(*before, [&](const Recording& each) { return each.started < *from; });
  std::vector<std::int64_t> touched;
  if (auto done = settle_stretches(*button, *found, *std::move(before), touched); !done)
    return done;
  for (const std::int64_t experiment : touched) {
    if (auto done = settle_state(experiment); !done) return done;
  }
  return ok();
}

Status Studies::settle_stretches(const Button& button, const std::vector<Press>& pressed,
                                 std::vector<Recording> before,
                                 std::vector<std::int64_t>& touched) {
  for (const Press& press : pressed) {
    if (press.at || press.action == PressAction::kNone) continue;
    if (auto done = presses.set_problem(press, std::string(kPressWaits)); !done) return done;
  }
  for (const Stretch& stretch : stretches_of(pressed)) {
    const auto same = std::ranges::find(before, stretch.start, &Recording::started);
    Result<Recording> recording =
        same != before.end() ? Result<Recording>(*same)
                             : recording_for(button, pressed[stretch.start_index], stretch.start);
    if (same != before.end()) before.erase(same);
    if (!recording && recording.error().code == Errc::kNotFound) continue;
    if (!recording) return recording.error();
    recording->stopped = stretch.stop;
    recording->stopped_by = stretch.stopped_by;
    const auto experiment = experiments.find(recording->experiment);
    if (!experiment) return experiment.error();
    const auto end = experiment->finished;
    if (end && (!recording->stopped || *recording->stopped > *end)) {
      recording->stopped = std::max(*end, recording->started);
      recording->stopped_by = "the experiment's end";
    }
    auto done = recording->no == 0 ? Status(ok()) : recordings.update(*recording);
    if (recording->no == 0) {
      const auto added = recordings.add(*recording);
      if (!added) done = added.error();
    }
    if (!done && done.error().code == Errc::kFull) {
      done = presses.set_problem(pressed[stretch.start_index], done.error().message);
    }
    if (!done) return done;
    touched.push_back(recording->experiment);
  }
  for (const Recording& gone : before) {
    if (auto done = recordings.remove(gone); !done) return done;
    touched.push_back(gone.experiment);
  }
  return ok();
}

/// kNotFound: it belongs to no experiment; the press says why.
Result<Recording> Studies::recording_for(const Button& button, const Press& press,
                                         std::int64_t start) {
  auto experiment = experiment_for(button, start);
  if (!experiment) {
    if (experiment.error().code != Errc::kNotFound) return experiment.error();
    const auto noted = presses.set_problem(press, experiment.error().message);
    return noted ? experiment.error() : noted.error();
  }
  Recording recording;
  recording.experiment = experiment->no;
  recording.id = recording_id(button.node, button.key.text(), start);
  recording.started = start;
  recording.started_by = press.by;
  recording.pressed_on = button.series;
  if (auto done = name_members(button, press, recording); !done) return done.error();
  return recording;
}

Result<Experiment> Studies::experiment_for(const Button& button, std::int64_t time) {
  const std::string named = button.tag("experiment");
  const auto candidates = experiments.recordable(time);
  if (!candidates) return candidates.error();
  std::vector<Experiment> fitting;
  for (const Experiment& each : *candidates) {
    const bool is_meant = named.empty() ? has_node(each.nodes, button.node) && each.created <= time
                                        : each.id == named || each.name == named;
    if (is_meant) fitting.push_back(each);
  }
  if (fitting.size() == 1) return std::move(fitting.front());
  if (!named.empty()) {
    return Error{Errc::kNotFound,
                 fmt::format("no experiment \"{}\" that could record then", named)};
  }
  return Error{Errc::kNotFound,
               fitting.empty()
                   ? fmt::format("no experiment that could record then has node {}", button.node)
                   : fmt::format("{} experiments have node {}: name one in the tag \"experiment\"",
                                 fitting.size(), button.node)};
}

/// A recording is worth more than its labels: what is not known is noted and left out.
Status Studies::name_members(const Button& button, const Press& press, Recording& recording) {
  const struct {
    const char* tag;
    MemberKind kind;
    std::optional<std::int64_t>* out;
  } wanted[] = {{"participant", MemberKind::kParticipant, &recording.participant},
                {"task", MemberKind::kTask, &recording.task},
                {"operator", MemberKind::kOperator, &recording.member_operator}};
  std::string problem;
  for (const auto& each : wanted) {
    const std::string name = button.tag(each.tag);
    if (name.empty()) continue;
    const auto member = experiments.find_member(recording.experiment, each.kind, name);
    if (!member && member.error().code != Errc::kNotFound) return member.error();
    if (member) *each.out = member->no;
    if (!member) problem = member.error().message + "; it was recorded without";
  }
  return presses.set_problem(press, problem);
}

}  // namespace fieldpost::coordinator
