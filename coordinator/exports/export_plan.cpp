#include "coordinator/exports/export_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "coordinator/experiments/study_desk.h"
#include "proto/wire/rfc3339.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;

constexpr std::int64_t kDayNs = 86'400'000'000'000;

std::int64_t day_of(std::int64_t ns) {
  return ns / kDayNs - (ns % kDayNs < 0 ? 1 : 0);
}

/// Ends where the last nanosecond that can be written begins.
std::int64_t end_of_day(std::int64_t day) {
  return day >= INT64_MAX / kDayNs ? INT64_MAX : (day + 1) * kDayNs;
}

std::string date_of(std::int64_t day) {
  return wire::format_rfc3339(rt::UnixTime{std::max(day, INT64_MIN / kDayNs) * kDayNs})
      .substr(0, 10);
}

/// Rows of the members that a request names; nothing: all of them.
Result<std::optional<std::set<std::int64_t>>> chosen(const std::vector<Member>& members,
                                                     const std::vector<std::string>& names,
                                                     const char* kind) {
  if (names.empty()) return std::optional<std::set<std::int64_t>>();
  std::set<std::int64_t> rows;
  for (const std::string& name : names) {
    const auto found = std::ranges::find_if(
        members, [&](const Member& member) { return member.id == name || member.name == name; });
    if (found == members.end()) {
      return Error{Errc::kNotFound, fmt::format("the experiment has no {} \"{}\"", kind, name)};
    }
    rows.insert(found->no);
  }
  return std::optional(rows);
}

bool is_chosen(const std::optional<std::set<std::int64_t>>& rows, std::optional<std::int64_t> row) {
  return !rows || (row && rows->contains(*row));
}

rt::Status check_sensors(const StudySnapshot& snapshot, const ExportRequest& request) {
  for (const std::string& name : request.sensors) {
    const auto found = std::ranges::find(snapshot.sensors, name, &Sensor::name);
    if (found == snapshot.sensors.end() || !found->enabled) {
      return Error{Errc::kNotFound,
                   fmt::format("the experiment's config has no sensor \"{}\" that is on", name)};
    }
  }
  return rt::ok();
}

TimeRange range_of(const Recording& recording, const StudySnapshot& snapshot,
                   const ExportRequest& request) {
  const std::int64_t stopped = recording.stopped.value_or(snapshot.now);
  return {std::max(recording.started, request.range.from), std::min(stopped, request.range.to)};
}

bool wants(const ExportRequest& request, const Sensor& sensor) {
  const auto& names = request.sensors;
  return sensor.enabled && (names.empty() || std::ranges::find(names, sensor.name) != names.end());
}

std::set<std::string> types_wanted(const StudySnapshot& snapshot, const ExportRequest& request) {
  std::set<std::string> types;
  for (const Sensor& sensor : snapshot.sensors) {
    if (wants(request, sensor)) types.insert(sensor.type);
  }
  return types;
}

/// Parts by participant and day.
using Days = std::map<std::pair<std::string, std::int64_t>, std::vector<ExportPart>>;

void add_days(const std::string& participant, const ExportPart& whole, Days& days) {
  for (std::int64_t day = day_of(whole.range.from); day <= day_of(whole.range.to - 1); ++day) {
    if (days.size() > kExportFilesMax) return;
    days[{participant, day}].push_back(
        {whole.recording,
         {std::max(whole.range.from, day * kDayNs), std::min(whole.range.to, end_of_day(day))}});
  }
}

}  // namespace

std::string compact_time(std::int64_t ns) {
  std::string out = wire::format_rfc3339(rt::UnixTime{ns}).substr(0, 19) + "Z";
  std::erase_if(out, [](char c) { return c == '-' || c == ':'; });
  return out;
}

Result<StudySnapshot> load_snapshot(StudyReader& reader, std::int64_t experiment,
                                    std::int64_t now) {
  StudySnapshot out;
  out.now = now;
  auto found = reader.studies.experiments.find(experiment);
  if (!found) return found.error();
  out.experiment = *std::move(found);
  if (out.experiment.config) {
    auto config =
        reader.studies.configs.find(out.experiment.config->name, out.experiment.config->version);
    if (!config) return config.error();
    out.sensors = config->sensors;
    out.config = *std::move(config);
  }
  auto members = load_members(reader.studies, out.experiment);
  if (!members) return members.error();
  out.members = *std::move(members);
  auto recordings = reader.studies.recordings.all(experiment);
  if (!recordings) return recordings.error();
  out.recordings = *std::move(recordings);
  auto marks = reader.studies.recordings.marks(experiment);
  if (!marks) return marks.error();
  out.marks = *std::move(marks);
  auto health = reader.studies.health.list(experiment, 0, kHealthFlagsMax);
  if (!health) return health.error();
  out.health = *std::move(health);
  auto series = study_series(reader.query, out.sensors, out.experiment.nodes);
  if (!series) return series.error();
  out.series = *std::move(series);
  return out;
}

Result<std::vector<ExportFile>> plan_export(const StudySnapshot& snapshot,
                                            const ExportRequest& request) {
  const auto participants =
      chosen(snapshot.members.participants, request.participants, "participant");
  if (!participants) return participants.error();
  const auto tasks = chosen(snapshot.members.tasks, request.tasks, "task");
  if (!tasks) return tasks.error();
  if (auto done = check_sensors(snapshot, request); !done) return done.error();
  const MembersByNo members = snapshot.members.by_no();
  Days days;
  for (std::size_t r = 0; r < snapshot.recordings.size(); ++r) {
    const Recording& recording = snapshot.recordings[r];
    const ExportPart whole{r, range_of(recording, snapshot, request)};
    if (whole.range.from >= whole.range.to) continue;
    if (!is_chosen(*participants, recording.participant)) continue;
    if (!is_chosen(*tasks, recording.task)) continue;
    const auto member = members.find(recording.participant.value_or(0));
    add_days(member == members.end() ? std::string(kNoParticipant) : member->second.id, whole,
             days);
  }
  const auto types = types_wanted(snapshot, request);
  if (days.size() * types.size() > kExportFilesMax) {
    return Error{Errc::kFull,
                 fmt::format("more than {} files: export a part of it at a time", kExportFilesMax)};
  }
  std::vector<ExportFile> out;
  for (const auto& [key, parts] : days) {
    for (const std::string& type : types) {
      ExportFile file{"", key.first, date_of(key.second), type, parts};
      file.path = fmt::format("{}/{}_{}_samples.{}", file.participant, file.date, type,
                              extension_of(request.format));
      out.push_back(std::move(file));
    }
  }
  return out;
}

std::vector<std::size_t> series_of(const ExportFile& file, const StudySnapshot& snapshot,
                                   const ExportRequest& request) {
  std::vector<std::size_t> out;
  for (std::size_t s = 0; s < snapshot.series.size(); ++s) {
    const Sensor& sensor = snapshot.sensors[snapshot.series[s].sensor];
    if (sensor.type == file.type && wants(request, sensor)) out.push_back(s);
  }
  return out;
}

}  // namespace fieldpost::coordinator
