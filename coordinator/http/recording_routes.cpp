#include <algorithm>
#include <utility>

#include "coordinator/experiments/study_json.h"
#include "coordinator/experiments/uuid.h"
#include "coordinator/http/experiment_routes.h"
#include "coordinator/http/study_answers.h"
#include "proto/rt/http_text.h"

namespace fieldpost::coordinator {
namespace {

constexpr char kRecordingCursor = 'R';
constexpr char kHealthCursor = 'H';
constexpr std::size_t kPressesShown = 100;
constexpr const char* kStartExpected =
    R"(expected a JSON object such as {"participant": "P01", "task": "walk", "operator": "anna"})";
constexpr const char* kStopExpected = R"(expected a JSON object such as {"time": "…"}, or nothing)";
constexpr const char* kMarkExpected =
    R"(expected a JSON object such as {"participant": "P01", "task": "walk", "state": "done"})";

void list_recordings(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const std::size_t limit = parameters.limit(kPageDefault, kPageMax);
  const TimeFormat times = parameters.times();
  const std::int64_t after = row_after(parameters, kRecordingCursor);
  if (refuse_bad(parameters, *call.responder)) return;
  services.studies.ask<std::string>(
      [id = call.path[0], after, limit, times](StudyReader& reader) -> rt::Result<std::string> {
        const auto experiment = reader.studies.experiments.find(id);
        if (!experiment) return experiment.error();
        const auto members = load_members(reader.studies, *experiment);
        if (!members) return members.error();
        const auto page = reader.studies.recordings.list(experiment->no, after, limit);
        if (!page) return page.error();
        const MembersByNo by_no = members->by_no();
        std::string items;
        for (const Recording& each : *page) append_item(items, recording_json(each, by_no, times));
        const bool full = page->size() == limit;
        return page_json(items, kRecordingCursor, full, full ? page->back().no : 0);
      },
      answer_study(std::move(call.responder)));
}

/// Names or ids of members as a body gives them; empty: none.
struct Named {
  std::string participant, task, member_operator;
};

rt::Status find_members(Studies& studies, const Named& named, Recording& recording) {
  const struct {
    const std::string& name;
    MemberKind kind;
    std::optional<std::int64_t>& out;
  } wanted[] = {{named.participant, MemberKind::kParticipant, recording.participant},
                {named.task, MemberKind::kTask, recording.task},
                {named.member_operator, MemberKind::kOperator, recording.member_operator}};
  for (const auto& each : wanted) {
    if (each.name.empty()) continue;
    const auto member = studies.experiments.find_member(recording.experiment, each.kind, each.name);
    if (!member) return member.error();
    each.out = member->no;
  }
  return rt::ok();
}

rt::Result<std::string> show(Studies& studies, const Recording& recording) {
  const auto members =
      load_members(studies, {recording.participant, recording.task, recording.member_operator});
  if (!members) return members.error();
  return recording_json(recording, *members, TimeFormat::kRfc3339);
}

void start_recording(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  JsonFields fields(call.request.body, kStartExpected);
  fields.only({"participant", "task", "operator", "nodes", "time", "stop", "by"});
  const Named named{fields.text("participant"), fields.text("task"), fields.text("operator")};
  Recording recording;
  recording.id = make_uuid(services.random);
  recording.nodes = fields.texts("nodes", kNodePatternsMax);
  const std::int64_t now = services.clock.now().ns;
  recording.started = fields.time("time").value_or(now);
  recording.stopped = fields.time("stop");
  recording.started_by = who(fields, call);
  if (recording.started > now) fields.complain("time", "expected a time that is not to come");
  if (recording.stopped && (*recording.stopped < recording.started || *recording.stopped > now)) {
    fields.complain("stop", "expected a time after the start that is not to come");
  }
  if (recording.stopped) recording.stopped_by = recording.started_by;
  if (refuse_bad(fields, *call.responder)) return;
  services.studies.change<std::string>(
      [id = call.path[0], recording, named](Studies& studies) mutable -> rt::Result<std::string> {
        const auto experiment = studies.experiments.find(id);
        if (!experiment) return experiment.error();
        recording.experiment = experiment->no;
        if (auto done = find_members(studies, named, recording); !done) return done.error();
        const auto started = studies.start(*experiment, recording);
        if (!started) return started.error();
        return show(studies, *started);
      },
      answer_study(std::move(call.responder), 201));
}

void stop_recording(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  JsonFields fields(call.request.body, kStopExpected);
  fields.only({"time", "by"});
  const std::int64_t now = services.clock.now().ns;
  const std::int64_t time = fields.time("time").value_or(now);
  if (time > now) fields.complain("time", "expected a time that is not to come");
  const std::string by = who(fields, call);
  if (refuse_bad(fields, *call.responder)) return;
  services.studies.change<std::string>(
      [path = call.path, time, by](Studies& studies) -> rt::Result<std::string> {
        const auto experiment = studies.experiments.find(path[0]);
        if (!experiment) return experiment.error();
        const auto recording = studies.recordings.find(experiment->no, path[1]);
        if (!recording) return recording.error();
        const auto stopped = studies.stop(*recording, time, by);
        if (!stopped) return stopped.error();
        return show(studies, *stopped);
      },
      answer_study(std::move(call.responder)));
}

void show_progress(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  services.studies.ask<std::string>(
      [id = call.path[0],
       now = services.clock.now().ns](StudyReader& reader) -> rt::Result<std::string> {
        const auto experiment = reader.studies.experiments.find(id);
        if (!experiment) return experiment.error();
        const auto members = load_members(reader.studies, *experiment);
        if (!members) return members.error();
        const auto recordings = reader.studies.recordings.all(experiment->no);
        if (!recordings) return recordings.error();
        const auto marks = reader.studies.recordings.marks(experiment->no);
        if (!marks) return marks.error();
        std::string items;
        for (const auto& each : progress_of(*members, *recordings, *marks, now)) {
          append_item(items, progress_json(each));
        }
        return list_json(items, "");
      },
      answer_study(std::move(call.responder)));
}

struct MarkCall {
  std::string experiment, participant, task;
  ProgressMark mark;
};

rt::Result<std::string> mark(Studies& studies, MarkCall asked) {
  const auto experiment = studies.experiments.find(asked.experiment);
  if (!experiment) return experiment.error();
  if (experiment->state == ExperimentState::kArchived) {
    return rt::Error{rt::Errc::kDenied, "it is archived and stays as it is"};
  }
  const auto participant =
      studies.experiments.find_member(experiment->no, MemberKind::kParticipant, asked.participant);
  if (!participant) return participant.error();
  const auto task = studies.experiments.find_member(experiment->no, MemberKind::kTask, asked.task);
  if (!task) return task.error();
  asked.mark.participant = participant->no;
  asked.mark.task = task->no;
  if (auto done = studies.recordings.mark_progress(asked.mark); !done) return done.error();
  return progress_json(
      {*participant, {{.task = *task, .state = asked.mark.state, .note = asked.mark.note}}});
}

void mark_progress(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  JsonFields fields(call.request.body, kMarkExpected);
  fields.only({"participant", "task", "state", "note"});
  MarkCall asked{
      call.path[0], fields.required_text("participant"), fields.required_text("task"), {}};
  const auto state = parse_progress_state(fields.required_text("state"));
  if (!state) fields.complain("state", "expected open, done or skipped");
  asked.mark.state = state.value_or(ProgressState::kOpen);
  asked.mark.note = fields.text("note", kDescriptionBytesMax);
  asked.mark.at = services.clock.now().ns;
  if (refuse_bad(fields, *call.responder)) return;
  services.studies.change<std::string>([asked](Studies& studies) { return mark(studies, asked); },
                                       answer_study(std::move(call.responder)));
}

/// What was wrong with its sensors while it recorded; with `open` what is wrong now.
void list_health(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const std::size_t limit = parameters.limit(kPageDefault, kPageMax);
  const TimeFormat times = parameters.times();
  const bool only_open = parameters.flag("open");
  const std::int64_t after = row_after(parameters, kHealthCursor);
  if (refuse_bad(parameters, *call.responder)) return;
  services.studies.ask<std::string>(
      [id = call.path[0], after, limit, times,
       only_open](StudyReader& reader) -> rt::Result<std::string> {
        const auto experiment = reader.studies.experiments.find(id);
        if (!experiment) return experiment.error();
        const auto page = only_open ? reader.studies.health.open_ones(experiment->no, limit)
                                    : reader.studies.health.list(experiment->no, after, limit);
        if (!page) return page.error();
        std::string items;
        for (const HealthFlag& flag : *page) append_item(items, health_json(flag, times));
        const bool full = !only_open && page->size() == limit;
        return page_json(items, kHealthCursor, full, full ? page->back().no : 0);
      },
      answer_study(std::move(call.responder)));
}

/// Presses of buttons that had no effect, and why.
void list_presses(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const TimeFormat times = parameters.times();
  if (refuse_bad(parameters, *call.responder)) return;
  services.studies.ask<std::string>(
      [times](StudyReader& reader) -> rt::Result<std::string> {
        const auto presses = reader.studies.presses.without_effect(kPressesShown);
        if (!presses) return presses.error();
        std::string items;
        for (const Press& press : *presses) append_item(items, press_json(press, times));
        return list_json(items, "");
      },
      answer_study(std::move(call.responder)));
}

}  // namespace

void add_recording_routes(Router& router, Services& services) {
  const auto add = [&](const char* method, const char* path, void (*handler)(Services&, Call)) {
    router.add(method, path,
               [&services, handler](Call call) { handler(services, std::move(call)); });
  };
  add("GET", "/api/v1/experiments/{id}/recordings", list_recordings);
  add("POST", "/api/v1/experiments/{id}/recordings", start_recording);
  add("POST", "/api/v1/experiments/{id}/recordings/{recording}/stop", stop_recording);
  add("GET", "/api/v1/experiments/{id}/progress", show_progress);
  add("PUT", "/api/v1/experiments/{id}/progress", mark_progress);
  add("GET", "/api/v1/experiments/{id}/health", list_health);
  add("GET", "/api/v1/recording_presses", list_presses);
}

}  // namespace fieldpost::coordinator
