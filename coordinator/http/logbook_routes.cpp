#include <map>
#include <utility>

#include "coordinator/experiments/study_json.h"
#include "coordinator/experiments/uuid.h"
#include "coordinator/http/experiment_routes.h"
#include "coordinator/http/study_answers.h"
#include "proto/wire/limits.h"

namespace fieldpost::coordinator {
namespace {

constexpr char kEntryCursor = 'L';
constexpr const char* kExpected =
    R"(expected a JSON object such as {"text": "sensor 3 was moved", "author": "anna"})";

using RecordingIds = std::map<std::int64_t, std::string>;

rt::Result<RecordingIds> recording_ids(Studies& studies, const Experiment& experiment) {
  const auto recordings = studies.recordings.all(experiment.no);
  if (!recordings) return recordings.error();
  RecordingIds ids;
  for (const Recording& recording : *recordings) ids.emplace(recording.no, recording.id);
  return ids;
}

void list_entries(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const std::size_t limit = parameters.limit(kPageDefault, kPageMax);
  const TimeFormat times = parameters.times();
  const std::int64_t after = row_after(parameters, kEntryCursor);
  if (refuse_bad(parameters, *call.responder)) return;
  services.studies.ask<std::string>(
      [id = call.path[0], after, limit, times](StudyReader& reader) -> rt::Result<std::string> {
        const auto experiment = reader.studies.experiments.find(id);
        if (!experiment) return experiment.error();
        const auto members = load_members(reader.studies, *experiment);
        if (!members) return members.error();
        const auto ids = recording_ids(reader.studies, *experiment);
        if (!ids) return ids.error();
        const auto page = reader.studies.logbook.list(experiment->no, after, limit);
        if (!page) return page.error();
        const MembersByNo by_no = members->by_no();
        std::string items;
        for (const LogEntry& each : *page) {
          append_item(items, entry_json(each, by_no, *ids, times));
        }
        const bool full = page->size() == limit;
        return page_json(items, kEntryCursor, full, full ? page->back().no : 0);
      },
      answer_study(std::move(call.responder)));
}

struct EntryCall {
  std::string experiment, recording, participant;
  LogEntry entry;
};

/// Attachments by hash; what is known of the bytes comes later.
std::vector<wire::BodyReference> read_attachments(JsonFields& fields) {
  std::vector<wire::BodyReference> out;
  for (JsonFields& each : fields.objects("attachments", kAttachmentsMax)) {
    each.only({"sha256", "name"});
    wire::BodyReference reference;
    const auto hash = wire::Sha256Digest::from_hex(each.required_text("sha256"));
    if (hash) reference.hash = *hash;
    if (!hash) each.complain("sha256", "expected 64 lower-case hex digits");
    reference.name = each.text("name", wire::kBodyNameBytesMax);
    if (!wire::is_body_name(reference.name)) {
      each.complain("name", "expected text without slashes and control characters");
    }
    out.push_back(std::move(reference));
  }
  return out;
}

rt::Result<std::string> show(Studies& studies, const LogEntry& entry) {
  const auto members = load_members(studies, {entry.participant});
  if (!members) return members.error();
  RecordingIds ids;
  if (entry.recording) {
    const auto recording = studies.recordings.find(*entry.recording);
    if (!recording) return recording.error();
    ids.emplace(recording->no, recording->id);
  }
  return entry_json(entry, *members, ids, TimeFormat::kRfc3339);
}

rt::Result<std::string> add(Studies& studies, EntryCall asked) {
  const auto experiment = studies.experiments.find(asked.experiment);
  if (!experiment) return experiment.error();
  if (experiment->state == ExperimentState::kArchived) {
    return rt::Error{rt::Errc::kDenied, "it is archived and stays as it is"};
  }
  asked.entry.experiment = experiment->no;
  if (!asked.recording.empty()) {
    const auto recording = studies.recordings.find(experiment->no, asked.recording);
    if (!recording) return recording.error();
    asked.entry.recording = recording->no;
    asked.entry.participant = recording->participant;
  }
  if (!asked.participant.empty()) {
    const auto participant = studies.experiments.find_member(
        experiment->no, MemberKind::kParticipant, asked.participant);
    if (!participant) return participant.error();
    asked.entry.participant = participant->no;
  }
  for (wire::BodyReference& each : asked.entry.attachments) {
    if (auto done = studies.complete_body(each); !done) return done.error();
  }
  const auto added = studies.logbook.add(asked.entry);
  if (!added) return added.error();
  return show(studies, *added);
}

/// With an `id` of its own a client may send an entry again.
void add_entry(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  JsonFields fields(call.request.body, kExpected);
  fields.only({"id", "text", "author", "time", "recording", "participant", "attachments"});
  EntryCall asked{call.path[0], fields.text("recording"), fields.text("participant"), {}};
  LogEntry& entry = asked.entry;
  entry.id = fields.has("id") ? fields.required_text("id", 64) : make_uuid(services.random);
  entry.text = fields.required_text("text", kLogTextBytesMax);
  entry.author = fields.text("author", kNameBytesMax);
  if (entry.author.empty()) entry.author = host_of(call.request.peer);
  entry.written = services.clock.now().ns;
  entry.at = fields.time("time").value_or(entry.written);
  entry.attachments = read_attachments(fields);
  if (refuse_bad(fields, *call.responder)) return;
  services.studies.change<std::string>([asked](Studies& studies) { return add(studies, asked); },
                                       answer_study(std::move(call.responder), 201));
}

}  // namespace

void add_logbook_routes(Router& router, Services& services) {
  router.add("GET", "/api/v1/experiments/{id}/logbook",
             [&services](Call call) { list_entries(services, std::move(call)); });
  router.add("POST", "/api/v1/experiments/{id}/logbook",
             [&services](Call call) { add_entry(services, std::move(call)); });
}

}  // namespace fieldpost::coordinator
