#include "coordinator/store/button_settling.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "coordinator/experiments/uuid.h"
#include "proto/wire/hash.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

/// The same press makes the same recording, on whatever day it arrives.
std::string recording_id(const Button& button, std::int64_t time) {
  return uuid_of(wire::hash128(fmt::format("{}\n{}\n{}", button.node, button.key.text(), time)));
}

std::string why_none(const Button& button, std::size_t meant) {
  const std::string named = button.tag("experiment");
  if (!named.empty()) return fmt::format("no experiment \"{}\" that could record then", named);
  if (meant == 0) {
    return fmt::format("no experiment that could record then has node {}", button.node);
  }
  return fmt::format("{} experiments have node {}: name one in the tag \"experiment\"", meant,
                     button.node);
}

}  // namespace

std::string Button::tag(std::string_view name) const {
  const auto found = std::ranges::find_if(key.tags, [&](const auto& t) { return t.first == name; });
  return found == key.tags.end() ? std::string() : found->second;
}

Status ButtonSettling::run(std::int64_t pressed) {
  const auto from = window_of(pressed);
  if (!from) return from.error();
  auto presses = studies_.presses.since(button_.series, *from);
  if (!presses) return presses.error();
  auto before = studies_.recordings.pressed_on(button_.series, *from);
  if (!before) return before.error();
  for (Recording& each : *before) known_.emplace(each.started, Known{std::move(each)});
  for (Press& press : *presses) {
    if (press.at && press.problem != kPressWaits) continue;
    if (press.action == PressAction::kNone) continue;
    auto done = studies_.presses.set_problem(press, press.at ? "" : std::string(kPressWaits));
    if (!done) return done;
  }
  for (const Stretch& stretch : stretches_of(*presses)) {
    if (auto done = settle(stretch, (*presses)[stretch.start_index]); !done) return done;
  }
  for (const auto& [start, each] : known_) {
    if (each.stays) continue;
    if (auto done = studies_.recordings.remove(each.recording); !done) return done;
    touched_.insert(each.recording.experiment);
  }
  for (const std::int64_t experiment : touched_) {
    if (auto done = studies_.settle_state(experiment); !done) return done;
  }
  return ok();
}

/// Presses before the last recording that began by then have done what they do.
Result<std::int64_t> ButtonSettling::window_of(std::int64_t pressed) {
  const auto floor = studies_.presses.floor(button_.series);
  if (!floor) return floor;
  if (*floor != INT64_MIN) {
    if (auto done = studies_.presses.note_late(button_.series, *floor); !done) return done.error();
  }
  const auto last = studies_.recordings.last_pressed(button_.series, pressed);
  if (!last) return last;
  return std::max(*floor, *last);
}

Status ButtonSettling::settle(const Stretch& stretch, Press& press) {
  const auto known = known_.find(stretch.start);
  if (known == known_.end()) return begin(stretch, press);
  known->second.stays = true;
  Recording& recording = known->second.recording;
  Recording wanted = recording;
  if (auto done = end_by(stretch, wanted); !done) return done;
  touched_.insert(recording.experiment);
  return change(recording, wanted);
}

Status ButtonSettling::change(Recording& recording, const Recording& wanted) {
  if (recording.stopped == wanted.stopped && recording.stopped_by == wanted.stopped_by) return ok();
  if (count_open_) *count_open_ += (wanted.stopped ? 0 : 1) - (recording.stopped ? 0 : 1);
  recording = wanted;
  return studies_.recordings.update(recording);
}

/// A press that begins nothing says why.
Status ButtonSettling::begin(const Stretch& stretch, Press& press) {
  Recording recording;
  recording.id = recording_id(button_, stretch.start);
  const auto is_here = studies_.recordings.has(recording.id);
  if (!is_here) return is_here.error();
  // It came back with an import: that experiment's it stays.
  if (*is_here) return studies_.presses.set_problem(press, "");
  const auto meant = meant_at(stretch.start);
  if (!meant) return meant.error();
  if (meant->size() != 1) {
    return studies_.presses.set_problem(press, why_none(button_, meant->size()));
  }
  recording.experiment = meant->front()->no;
  recording.started = stretch.start;
  recording.started_by = press.by;
  recording.pressed_on = button_.series;
  const auto labels = labels_of(recording.experiment);
  if (!labels) return labels.error();
  recording.participant = (*labels)->participant;
  recording.task = (*labels)->task;
  recording.member_operator = (*labels)->member_operator;
  if (auto done = end_by(stretch, recording); !done) return done;
  auto done = add(recording);
  if (!done && done.error().code != Errc::kFull) return done;
  return studies_.presses.set_problem(press, done ? (*labels)->problem : done.error().message);
}

/// When it stops, and by whom: with its experiment at the latest.
Status ButtonSettling::end_by(const Stretch& stretch, Recording& recording) {
  auto found = finished_.find(recording.experiment);
  if (found == finished_.end()) {
    const auto experiment = studies_.experiments.find(recording.experiment);
    if (!experiment) return experiment.error();
    found = finished_.emplace(recording.experiment, experiment->finished).first;
  }
  const std::optional<std::int64_t> end = found->second;
  recording.stopped = stretch.stop;
  recording.stopped_by = stretch.stopped_by;
  if (end && (!recording.stopped || *recording.stopped > *end)) {
    recording.stopped = std::max(*end, recording.started);
    recording.stopped_by = "the experiment's end";
  }
  return ok();
}

Status ButtonSettling::add(const Recording& recording) {
  auto count = counts_.find(recording.experiment);
  if (count == counts_.end()) {
    const auto counted = studies_.recordings.count_of(recording.experiment);
    if (!counted) return counted.error();
    count = counts_.emplace(recording.experiment, *counted).first;
  }
  if (!count_open_) {
    const auto counted = studies_.recordings.count_open();
    if (!counted) return counted.error();
    count_open_ = *counted;
  }
  auto added = studies_.recordings.add(recording, count->second, *count_open_);
  if (!added) return added.error();
  count->second += 1;
  if (!added->stopped) *count_open_ += 1;
  touched_.insert(added->experiment);
  known_.emplace(added->started, Known{*std::move(added), true});
  return ok();
}

/// The experiments that the button may mean at a time. Times only go up.
Result<std::vector<const Experiment*>> ButtonSettling::meant_at(std::int64_t time) {
  const std::string named = button_.tag("experiment");
  if (!candidates_) {
    auto all = studies_.experiments.recordable(time);
    if (!all) return all.error();
    std::erase_if(*all, [&](const Experiment& each) {
      return named.empty() ? !has_node(each.nodes, button_.node)
                           : each.id != named && each.name != named;
    });
    candidates_ = *std::move(all);
  }
  std::vector<const Experiment*> out;
  for (const Experiment& each : *candidates_) {
    if (each.finished && *each.finished <= time) continue;
    if (named.empty() && each.created > time) continue;
    out.push_back(&each);
  }
  return out;
}

/// A recording is worth more than its labels: what is not known is noted and left out.
Result<const ButtonSettling::Labels*> ButtonSettling::labels_of(std::int64_t experiment) {
  if (const auto known = labels_.find(experiment); known != labels_.end()) return &known->second;
  Labels labels;
  const struct {
    const char* tag;
    MemberKind kind;
    std::optional<std::int64_t>& out;
  } wanted[] = {{"participant", MemberKind::kParticipant, labels.participant},
                {"task", MemberKind::kTask, labels.task},
                {"operator", MemberKind::kOperator, labels.member_operator}};
  for (const auto& each : wanted) {
    const std::string name = button_.tag(each.tag);
    if (name.empty()) continue;
    const auto member = studies_.experiments.find_member(experiment, each.kind, name);
    if (!member && member.error().code != Errc::kNotFound) return member.error();
    if (member) each.out = member->no;
    if (!member) labels.problem = member.error().message + "; it was recorded without";
  }
  return &labels_.emplace(experiment, std::move(labels)).first->second;
}

}  // namespace fieldpost::coordinator
