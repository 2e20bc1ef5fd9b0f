#include "coordinator/experiments/study_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "proto/wire/rfc3339.h"

namespace fieldpost::coordinator {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json time_of(std::int64_t ns, TimeFormat format) {
  if (format == TimeFormat::kNs) return ns;
  return wire::format_rfc3339(rt::UnixTime{ns});
}

Json time_of(std::optional<std::int64_t> ns, TimeFormat format) {
  return ns ? time_of(*ns, format) : Json(nullptr);
}

Json to_json(const Experiment& experiment, TimeFormat times) {
  Json config = nullptr;
  if (experiment.config) {
    config = {{"name", experiment.config->name}, {"version", experiment.config->version}};
  }
  return {{"id", experiment.id},
          {"name", experiment.name},
          {"description", experiment.description},
          {"owner", experiment.owner},
          {"state", to_string(experiment.state)},
          {"config", std::move(config)},
          {"nodes", experiment.nodes},
          {"created", time_of(experiment.created, times)},
          {"finished", time_of(experiment.finished, times)}};
}

Json to_json(const Member& member) {
  return {{"id", member.id}, {"name", member.name}, {"description", member.description}};
}

Json to_json(const HealthFlag& flag, TimeFormat times) {
  return {{"sensor", flag.sensor},
          {"series", flag.series == 0 ? Json(nullptr) : Json(flag.series)},
          {"kind", to_string(flag.kind)},
          {"from", time_of(flag.from, times)},
          {"to", time_of(flag.to, times)},
          {"detail", flag.detail}};
}

Json to_json(const PlannedSampling& planned, TimeFormat times) {
  const ToldSampling& told = planned.told;
  const bool was_told = told.is_known && told.told != 0;
  const SamplingState state = planned.state();
  return {{"node", told.node},
          {"wanted", planned.wanted},
          {"told", was_told ? Json(told.every_s) : Json(nullptr)},
          {"time", was_told ? time_of(told.told, times) : Json(nullptr)},
          {"state", to_string(state)},
          {"detail", state == SamplingState::kWaiting ? "" : told.detail}};
}

Json list_of(const std::vector<Member>& members) {
  Json out = Json::array();
  for (const Member& member : members) out.push_back(to_json(member));
  return out;
}

/// {"id", "name"} of one that is there.
Json named(const MembersByNo& members, std::optional<std::int64_t> no) {
  const auto found = no ? members.find(*no) : members.end();
  if (found == members.end()) return nullptr;
  return {{"id", found->second.id}, {"name", found->second.name}};
}

}  // namespace

MembersByNo Members::by_no() const {
  MembersByNo out;
  for (const auto* list : {&participants, &operators, &tasks}) {
    for (const Member& member : *list) out.emplace(member.no, member);
  }
  return out;
}

rt::Result<Members> load_members(Studies& studies, const Experiment& experiment) {
  Members out;
  const std::pair<MemberKind, std::vector<Member>*> lists[] = {
      {MemberKind::kParticipant, &out.participants},
      {MemberKind::kOperator, &out.operators},
      {MemberKind::kTask, &out.tasks}};
  for (const auto& [kind, list] : lists) {
    auto members = studies.experiments.members(experiment.no, kind);
    if (!members) return members.error();
    *list = *std::move(members);
  }
  return out;
}

rt::Result<MembersByNo> load_members(Studies& studies,
                                     std::initializer_list<std::optional<std::int64_t>> rows) {
  MembersByNo out;
  for (const auto& row : rows) {
    if (!row) continue;
    auto member = studies.experiments.find_member(*row);
    if (!member) return member.error();
    out.emplace(*row, *std::move(member));
  }
  return out;
}

std::string config_json(const SensorConfig& config, TimeFormat times) {
  Json out = {{"name", config.name},
              {"version", config.version},
              {"created", time_of(config.created, times)},
              {"author", config.author},
              {"sensors", Json::parse(sensors_json(config.sensors))}};
  return text_of(out);
}

std::string experiment_json(const Experiment& experiment, TimeFormat times) {
  return text_of(to_json(experiment, times));
}

std::string detail_json(const ExperimentDetail& detail, TimeFormat times) {
  Json out = to_json(detail.experiment, times);
  out["participants"] = list_of(detail.members.participants);
  out["operators"] = list_of(detail.members.operators);
  out["tasks"] = list_of(detail.members.tasks);
  out["recordings"] = detail.recordings;
  out["recordings_open"] = detail.recordings_open;
  const bool is_over = detail.experiment.state == ExperimentState::kFinished ||
                       detail.experiment.state == ExperimentState::kArchived;
  out["complete"] = is_over && detail.outstanding.empty();
  Json outstanding = Json::array();
  for (const Outstanding& each : detail.outstanding) {
    Json settled = nullptr;
    if (each.settled_until != 0) settled = time_of(each.settled_until, times);
    outstanding.push_back({{"node", each.node},
                           {"needed_until", time_of(each.needed_until, times)},
                           {"settled_until", std::move(settled)},
                           {"why", each.why}});
  }
  out["outstanding"] = std::move(outstanding);
  Json wrong = Json::array();
  for (const HealthFlag& flag : detail.wrong) wrong.push_back(to_json(flag, times));
  out["wrong"] = std::move(wrong);
  Json sampling = Json::array();
  for (const PlannedSampling& each : detail.sampling) sampling.push_back(to_json(each, times));
  out["sampling"] = std::move(sampling);
  return text_of(out);
}

std::string member_json(const Member& member) {
  return text_of(to_json(member));
}

std::string recording_json(const Recording& recording, const MembersByNo& members,
                           TimeFormat times) {
  return text_of({{"id", recording.id},
                  {"participant", named(members, recording.participant)},
                  {"task", named(members, recording.task)},
                  {"operator", named(members, recording.member_operator)},
                  {"nodes", recording.nodes},
                  {"started", time_of(recording.started, times)},
                  {"stopped", time_of(recording.stopped, times)},
                  {"started_by", recording.started_by},
                  {"stopped_by", recording.stopped_by}});
}

std::string entry_json(const LogEntry& entry, const MembersByNo& members,
                       const std::map<std::int64_t, std::string>& recordings, TimeFormat times) {
  Json recording = nullptr;
  if (entry.recording) {
    if (const auto at = recordings.find(*entry.recording); at != recordings.end()) {
      recording = at->second;
    }
  }
  Json attachments = Json::array();
  for (const wire::BodyReference& each : entry.attachments) {
    attachments.push_back({{"sha256", each.hash.hex()},
                           {"size", each.size},
                           {"type", each.type},
                           {"name", each.name}});
  }
  return text_of({{"id", entry.id},
                  {"time", time_of(entry.at, times)},
                  {"written", time_of(entry.written, times)},
                  {"author", entry.author},
                  {"recording", std::move(recording)},
                  {"participant", named(members, entry.participant)},
                  {"text", entry.text},
                  {"attachments", std::move(attachments)}});
}

std::string health_json(const HealthFlag& flag, TimeFormat times) {
  return text_of(to_json(flag, times));
}

std::string press_json(const Press& press, TimeFormat times) {
  return text_of({{"series", press.series},
                  {"time", time_of(press.time, times)},
                  {"action", to_string(press.action)},
                  {"by", press.by},
                  {"arrived", time_of(press.arrived, times)},
                  {"problem", press.problem}});
}

std::string export_json(const ExportRow& row, std::uint64_t files_total, TimeFormat times) {
  return text_of({{"id", row.id},
                  {"state", to_string(row.state)},
                  {"request", Json::parse(row.request, nullptr, false)},
                  {"created", time_of(row.created, times)},
                  {"finished", time_of(row.finished, times)},
                  {"files", row.files},
                  {"files_total", files_total},
                  {"readings", row.readings},
                  {"bytes", row.bytes},
                  {"error", row.error}});
}

std::vector<ParticipantProgress> progress_of(const Members& members,
                                             const std::vector<Recording>& recordings,
                                             const std::vector<ProgressMark>& marks,
                                             std::int64_t now) {
  std::vector<ParticipantProgress> out;
  std::map<std::pair<std::int64_t, std::int64_t>, TaskProgress*> cells;
  for (const Member& participant : members.participants) {
    out.push_back({participant, {}});
    for (const Member& task : members.tasks) {
      out.back().tasks.push_back({.task = task, .note = {}});
    }
  }
  for (ParticipantProgress& each : out) {
    for (TaskProgress& cell : each.tasks) cells[{each.participant.no, cell.task.no}] = &cell;
  }
  for (const Recording& recording : recordings) {
    const auto cell = cells.find({recording.participant.value_or(0), recording.task.value_or(0)});
    if (cell == cells.end()) continue;
    const std::int64_t end = recording.stopped.value_or(std::max(now, recording.started));
    cell->second->recordings += 1;
    cell->second->seconds += static_cast<double>(end - recording.started) / 1e9;
    cell->second->is_recording |= !recording.stopped;
  }
  for (const ProgressMark& mark : marks) {
    const auto cell = cells.find({mark.participant, mark.task});
    if (cell == cells.end()) continue;
    cell->second->state = mark.state;
    cell->second->note = mark.note;
  }
  return out;
}

std::string progress_json(const ParticipantProgress& progress) {
  Json tasks = Json::array();
  std::size_t done = 0;
  for (const TaskProgress& cell : progress.tasks) {
    done += cell.state == ProgressState::kOpen ? 0 : 1;
    tasks.push_back({{"id", cell.task.id},
                     {"name", cell.task.name},
                     {"state", to_string(cell.state)},
                     {"recording", cell.is_recording},
                     {"recordings", cell.recordings},
                     {"seconds", cell.seconds},
                     {"note", cell.note}});
  }
  return text_of(
      {{"participant", {{"id", progress.participant.id}, {"name", progress.participant.name}}},
       {"tasks_done", done},
       {"tasks", std::move(tasks)}});
}

}  // namespace fieldpost::coordinator
