#include "coordinator/imports/study_archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

#include "coordinator/experiments/json_fields.h"
#include "coordinator/experiments/uuid.h"
#include "coordinator/exports/export_bounds.h"
#include "coordinator/imports/inner_path.h"
#include "coordinator/imports/long_fields.h"
#include "coordinator/store/recording_table.h"
#include "proto/wire/topics.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

constexpr std::size_t kEntryIdBytesMax = 64;  ///< as the logbook takes them
constexpr std::string_view kUuidExpected = "expected a UUID of lower-case hex digits";
constexpr std::size_t kGapsMax = 1'000'000;
constexpr std::size_t kGapNodesMax = 10'000;  ///< as many as a coordinator has at a time
constexpr std::int64_t kManifestVersion = 1;

template <typename Fields, typename Value>
Result<Value> judged(const Fields& fields, Value value) {
  if (!fields.problem().empty()) return Error{Errc::kInvalid, fields.problem()};
  return value;
}

/// A newer version may know more of them.
wire::GapCause cause_of(std::string_view text) {
  for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(wire::GapCause::kGivenUp); ++i) {
    const auto cause = static_cast<wire::GapCause>(i);
    if (wire::to_string(cause) == text) return cause;
  }
  return wire::GapCause::kUnknown;
}

std::optional<HealthKind> health_kind_of(std::string_view text) {
  for (int i = 1; i <= kHealthKinds; ++i) {
    if (to_string(static_cast<HealthKind>(i)) == text) return static_cast<HealthKind>(i);
  }
  return std::nullopt;
}

/// Ids become parts of paths when they are exported again: nothing but a UUID is one.
std::string uuid_in(JsonFields& fields, const char* name) {
  std::string id = fields.required_text(name);
  if (!id.empty() && !is_uuid(id)) fields.complain(name, kUuidExpected);
  return id;
}

/// The id in {"id", "name"}; empty: it is not there.
std::string id_in(JsonFields& fields, const char* name) {
  if (!fields.has(name)) return {};
  JsonFields member = fields.object(name);
  return uuid_in(member, "id");
}

std::uint64_t count_in(JsonFields& fields, const char* name) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, fields.integer(name).value_or(0)));
}

ArchivedFile read_file(JsonFields& fields) {
  ArchivedFile file;
  file.path = fields.required_text("path");
  if (!is_inner_path(file.path)) fields.complain("path", "expected a path below the manifest");
  file.size = count_in(fields, "bytes");
  const auto hash = wire::Sha256Digest::from_hex(fields.required_text("sha256"));
  if (hash) file.sha256 = *hash;
  if (!hash) fields.complain("sha256", "expected 64 lower-case hex digits");
  file.type = fields.text("type");
  if (!file.type.empty() && !wire::check({file.sha256, file.size, file.type, ""})) {
    fields.complain("type", "expected a media type");
  }
  return file;
}

/// Sorted, each once.
std::vector<std::string> read_keys(JsonFields& fields) {
  std::vector<std::string> keys = fields.texts("series_keys", kSensorsMax * 1024);
  std::ranges::sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  for (const std::string& key : keys) {
    const auto parsed = wire::SeriesKey::parse(key);
    if (!parsed) fields.complain("series_keys", parsed.error().message);
  }
  return keys;
}

std::optional<wire::StoreId> read_store(JsonFields& fields) {
  if (!fields.has("store")) return std::nullopt;
  const auto id = wire::StoreId::from_hex(fields.required_text("store"));
  if (!id) fields.complain("store", "expected the id of a store: 32 lower-case hex digits");
  return id;
}

/// Without a store a number names nothing.
std::optional<GapOrigin> origin_of(JsonFields& fields, const std::optional<wire::StoreId>& store) {
  if (!store || !fields.has("id")) return std::nullopt;
  const std::int64_t no = fields.integer("id").value_or(0);
  if (no < 1) fields.complain("id", "expected a number from 1");
  return GapOrigin{*store, no};
}

/// Where it was declared first; `store` made the archive.
std::optional<GapOrigin> read_origin(JsonFields& fields,
                                     const std::optional<wire::StoreId>& store) {
  if (!fields.has("origin")) return origin_of(fields, store);
  JsonFields first = fields.object("origin");
  return origin_of(first, read_store(first));
}

/// Nothing: it is none of those that are a loss here.
std::optional<ArchivedGap> read_gap(JsonFields& fields, const std::optional<wire::StoreId>& store) {
  ArchivedGap gap;
  const std::string cause = fields.required_text("cause");
  if (cause == "deleted" || cause == "retention") return std::nullopt;
  if (fields.text("state") == "closed") return std::nullopt;
  gap.cause = cause_of(cause);
  gap.node = fields.required_text("node");
  if (!wire::is_valid_id(gap.node)) fields.complain("node", "expected the name of a node");
  if (fields.has("series_keys")) gap.series = read_keys(fields);
  gap.from = fields.time("from");
  gap.to = fields.time("to");
  if (fields.has("readings")) gap.readings = count_in(fields, "readings");
  gap.fragments = count_in(fields, "fragments");
  gap.origin = read_origin(fields, store);
  return gap;
}

/// What two losses may be alike in: all that is known of them.
auto known_of(const ArchivedGap& gap) {
  return std::tie(gap.node, gap.cause, gap.series, gap.from, gap.to, gap.readings, gap.fragments);
}

void number_alike(std::vector<ArchivedGap>& gaps) {
  std::vector<std::size_t> order(gaps.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(
      order, [&](std::size_t a, std::size_t b) { return known_of(gaps[a]) < known_of(gaps[b]); });
  std::vector<std::uint64_t> numbers(gaps.size(), 1);
  for (std::size_t i = 1; i < order.size(); ++i) {
    const std::size_t before = order[i - 1], at = order[i];
    if (known_of(gaps[before]) == known_of(gaps[at])) numbers[at] = numbers[before] + 1;
  }
  for (std::size_t i = 0; i < gaps.size(); ++i) gaps[i].number = numbers[i];
}

void read_members(LongFields& fields, const char* name, MemberKind kind,
                  std::vector<ArchivedMember>& out) {
  fields.each(name, kMembersMax, [&](JsonFields& each) {
    ArchivedMember member{kind, {}};
    member.member.id = uuid_in(each, "id");
    member.member.kind = kind;
    member.member.name = each.required_text("name");
    member.member.description = each.text("description", kDescriptionBytesMax);
    out.push_back(std::move(member));
  });
}

ArchivedRecording read_recording(JsonFields& fields) {
  ArchivedRecording out;
  out.recording.id = uuid_in(fields, "id");
  out.participant = id_in(fields, "participant");
  out.task = id_in(fields, "task");
  out.member_operator = id_in(fields, "operator");
  out.recording.nodes = fields.texts("nodes", kNodePatternsMax);
  out.recording.started = fields.time("started").value_or(0);
  out.recording.stopped = fields.time("stopped");
  out.recording.started_by = fields.text("started_by");
  out.recording.stopped_by = fields.text("stopped_by");
  if (out.recording.stopped && *out.recording.stopped < out.recording.started) {
    fields.complain("stopped", "expected a time after \"started\"");
  }
  return out;
}

ArchivedFlag read_flag(JsonFields& fields) {
  ArchivedFlag out;
  out.flag.sensor = fields.text("sensor");
  const auto kind = health_kind_of(fields.required_text("kind"));
  if (kind) out.flag.kind = *kind;
  if (!kind) fields.complain("kind", "expected silent, slow, out_of_range or stuck");
  out.flag.from = fields.time("from").value_or(0);
  // One that was still open ended with what is in the archive.
  out.flag.to = fields.time("to").value_or(out.flag.from);
  out.flag.detail = fields.text("detail");
  out.node = fields.text("node");
  out.series = fields.text("series_key");
  return out;
}

Experiment read_experiment(JsonFields& fields) {
  Experiment out;
  out.id = uuid_in(fields, "id");
  out.name = fields.required_text("name");
  out.description = fields.text("description", kDescriptionBytesMax);
  out.owner = fields.text("owner");
  const auto state = parse_experiment_state(fields.required_text("state"));
  if (state) out.state = *state;
  if (!state) fields.complain("state", "expected the state of an experiment");
  out.nodes = fields.texts("nodes", kNodePatternsMax);
  out.created = fields.time("created").value_or(0);
  out.finished = fields.time("finished");
  return out;
}

std::optional<SensorConfig> read_config(JsonFields& fields) {
  if (!fields.has("config")) return std::nullopt;
  SensorConfig out;
  JsonFields ref = fields.object("config");
  out.name = ref.required_text("name");
  out.version = ref.integer("version").value_or(0);
  out.author = ref.text("author");
  out.created = ref.time("created").value_or(0);
  if (out.version < 1) ref.complain("version", "expected a number from 1");
  out.sensors = read_sensors(fields);
  return out;
}

/// Nothing of it goes on here: recordings that were open when the archive was made end there, and
/// an experiment that was not finished is.
void end_all(JsonFields& fields, ArchivedStudy& study) {
  const auto until = fields.time("recorded_until");
  for (ArchivedRecording& each : study.recordings) {
    if (each.recording.stopped) continue;
    each.recording.stopped = std::max(each.recording.started, until.value_or(0));
    each.recording.stopped_by = "import";
  }
  Experiment& experiment = study.experiment;
  const bool is_over = experiment.state == ExperimentState::kFinished ||
                       experiment.state == ExperimentState::kArchived;
  if (!is_over) experiment.state = ExperimentState::kFinished;
  if (is_over && experiment.finished) return;
  experiment.finished = study.recordings.empty() ? experiment.created : INT64_MIN;
  for (const ArchivedRecording& each : study.recordings) {
    experiment.finished = std::max(experiment.finished, each.recording.stopped);
  }
}

std::vector<ArchivedMark> read_marks(LongFields& fields) {
  std::vector<ArchivedMark> out;
  fields.each("participants", kMembersMax, [&](JsonFields& each) {
    const std::string participant = id_in(each, "participant");
    if (participant.empty()) each.complain("participant", "expected a participant with its id");
    for (JsonFields& task : each.objects("tasks", kMembersMax)) {
      ArchivedMark mark{participant, uuid_in(task, "id"), {}, task.text("note")};
      const auto state = parse_progress_state(task.required_text("state"));
      if (!state) task.complain("state", "expected open, done or skipped");
      if (state) mark.state = *state;
      if (mark.state != ProgressState::kOpen || !mark.note.empty()) out.push_back(std::move(mark));
    }
  });
  return out;
}

Error invalid(std::string what) {
  return {Errc::kInvalid, std::move(what)};
}

/// Ids of members by what they are; kInvalid: the same id or name twice.
class MemberIds {
 public:
  Status add(const ArchivedMember& archived) {
    const Member& member = archived.member;
    if (!all_.insert(member.id).second) return invalid("two members have the id " + member.id);
    ids_.emplace(archived.kind, member.id);
    // Members are asked for by either, so no name of a kind is the id of another.
    const bool is_new = taken_.emplace(archived.kind, member.id).second &&
                        taken_.emplace(archived.kind, member.name).second;
    if (is_new) return ok();
    return invalid(fmt::format("two members of \"{}\" are called \"{}\"", to_string(archived.kind),
                               member.name));
  }
  /// An empty id names nobody.
  [[nodiscard]] Status find(MemberKind kind, const std::string& id) const {
    if (id.empty() || ids_.contains({kind, id})) return ok();
    return invalid(
        fmt::format("the archive names a {} {} that it does not have", to_string(kind), id));
  }

 private:
  using Names = std::set<std::pair<MemberKind, std::string>>;
  std::set<std::string> all_;
  Names ids_, taken_;
};

/// What its parts say of each other holds.
Status check(const ArchivedStudy& study) {
  MemberIds members;
  for (const ArchivedMember& each : study.members) {
    if (auto done = members.add(each); !done) return done;
  }
  std::set<std::string> recordings;
  for (const ArchivedRecording& each : study.recordings) {
    if (!recordings.insert(each.recording.id).second) {
      return invalid("two recordings have the id " + each.recording.id);
    }
    auto done = members.find(MemberKind::kParticipant, each.participant);
    if (done) done = members.find(MemberKind::kTask, each.task);
    if (done) done = members.find(MemberKind::kOperator, each.member_operator);
    if (!done) return done;
  }
  for (const ArchivedMark& each : study.marks) {
    auto done = members.find(MemberKind::kParticipant, each.participant);
    if (done) done = members.find(MemberKind::kTask, each.task);
    if (!done) return done;
  }
  return ok();
}

}  // namespace

Result<ArchiveManifest> parse_manifest(std::string_view json) {
  LongFields fields(json, "expected the manifest of an export",
                    {"files", "gaps", "series", "outstanding", "clock_offsets", "bodies_missing"});
  ArchiveManifest out;
  if (fields.rest().integer("manifest_version") != kManifestVersion) {
    fields.rest().complain("manifest_version",
                           "expected 1: a newer version wrote it, or it is none");
  }
  out.experiment = uuid_in(fields.rest(), "experiment");
  const auto store = read_store(fields.rest());
  fields.each("files", kExportListedMax,
              [&](JsonFields& each) { out.files.push_back(read_file(each)); });
  std::set<std::string> nodes;
  fields.each("gaps", kGapsMax, [&](JsonFields& each) {
    auto gap = read_gap(each, store);
    if (!gap) return;
    nodes.insert(gap->node);
    if (nodes.size() > kGapNodesMax) {
      each.complain("node", fmt::format("expected at most {} nodes", kGapNodesMax));
    }
    out.gaps.push_back(*std::move(gap));
  });
  number_alike(out.gaps);
  return judged(fields, std::move(out));
}

Result<ArchivedStudy> parse_study(std::string_view experiment_json,
                                  std::string_view progress_json) {
  LongFields fields(experiment_json, "expected the document of an experiment",
                    {"participants", "operators", "tasks", "recordings", "health"});
  ArchivedStudy out;
  out.experiment = read_experiment(fields.rest());
  out.config = read_config(fields.rest());
  read_members(fields, "participants", MemberKind::kParticipant, out.members);
  read_members(fields, "operators", MemberKind::kOperator, out.members);
  read_members(fields, "tasks", MemberKind::kTask, out.members);
  fields.each("recordings", kRecordingsMax,
              [&](JsonFields& each) { out.recordings.push_back(read_recording(each)); });
  fields.each("health", kHealthFlagsMax,
              [&](JsonFields& each) { out.health.push_back(read_flag(each)); });
  end_all(fields.rest(), out);
  LongFields progress(progress_json, "expected the document of the progress", {"participants"});
  out.marks = read_marks(progress);
  if (!progress.problem().empty()) return invalid(progress.problem());
  if (!fields.problem().empty()) return invalid(fields.problem());
  if (auto done = check(out); !done) return done.error();
  return out;
}

Result<ArchivedEntry> parse_entry(std::string_view json) {
  JsonFields fields(json, "expected an entry of a logbook");
  ArchivedEntry out;
  out.entry.id = fields.required_text("id", kEntryIdBytesMax);
  out.entry.at = fields.time("time").value_or(0);
  out.entry.written = fields.time("written").value_or(0);
  out.entry.author = fields.text("author");
  out.entry.text = fields.text("text", kLogTextBytesMax);
  for (JsonFields& each : fields.objects("attachments", kAttachmentsMax)) {
    wire::BodyReference reference;
    const auto hash = wire::Sha256Digest::from_hex(each.required_text("sha256"));
    if (hash) reference.hash = *hash;
    reference.size = count_in(each, "size");
    reference.type = each.text("type");
    reference.name = each.text("name");
    if (!hash || !wire::check(reference)) each.complain("sha256", "expected a file's reference");
    out.entry.attachments.push_back(std::move(reference));
  }
  if (fields.has("recording")) out.recording = uuid_in(fields, "recording");
  out.participant = id_in(fields, "participant");
  return judged(fields, std::move(out));
}

}  // namespace fieldpost::coordinator
