#include "coordinator/imports/study_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "coordinator/experiments/uuid.h"
#include "coordinator/store/studies.h"
#include "proto/wire/hash.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

constexpr int kNamesTried = 1000;

/// The name, or the first of "NAME (imported)", "NAME (imported 2)" … that is free.
template <typename IsTaken>
Result<std::string> free_name(const std::string& name, const IsTaken& is_taken) {
  for (int i = 0; i < kNamesTried; ++i) {
    std::string tried = name;
    if (i == 1) tried += " (imported)";
    if (i > 1) tried += fmt::format(" (imported {})", i);
    const Result<bool> taken = is_taken(tried);
    if (!taken) return taken.error();
    if (!*taken) return tried;
  }
  return Error{Errc::kFull, fmt::format("too many are called \"{}\"", name)};
}

/// Whether a look-up found something.
template <typename Found>
Result<bool> is_there(const Result<Found>& found) {
  if (found) return true;
  if (found.error().code == Errc::kNotFound) return false;
  return found.error();
}

/// A version goes into no name that has others here: their sensors are somebody else's.
Result<ConfigRef> import_config(ConfigTable& configs, SensorConfig config) {
  auto name = free_name(config.name, [&](const std::string& tried) -> Result<bool> {
    const auto same = configs.find(tried, config.version);
    if (same && same->sensors == config.sensors) return false;
    return is_there(configs.find(tried, 0));
  });
  if (!name) return name.error();
  config.name = *std::move(name);
  const auto known = is_there(configs.find(config.name, config.version));
  if (!known) return known.error();
  if (!*known) {
    if (auto done = configs.insert(config); !done) return done.error();
  }
  return ConfigRef{config.name, config.version};
}

/// Puts one study in, member by member.
class StudyImport {
 public:
  StudyImport(Store& store, rt::UnixTime now)
      : db_(store.database()), studies_(store.database()), now_(now) {}

  Status make(const ArchivedStudy& study) {
    Experiment experiment = study.experiment;
    experiment.imported = true;
    auto name = free_name(experiment.name, [this](const std::string& tried) {
      return is_there(studies_.experiments.find(tried));
    });
    if (!name) return name.error();
    experiment.name = *std::move(name);
    if (study.config) {
      auto config = import_config(studies_.configs, *study.config);
      if (!config) return config.error();
      experiment.config = *std::move(config);
    }
    auto made = studies_.experiments.create(std::move(experiment));
    if (!made) return made.error();
    experiment_ = made->no;
    auto done = add_members(study.members);
    if (done) done = add_recordings(study.recordings);
    if (done) done = add_marks(study.marks);
    return done ? add_flags(study.health) : done;
  }

 private:
  Status add_members(const std::vector<ArchivedMember>& members) {
    for (const ArchivedMember& each : members) {
      const auto added = studies_.experiments.add_member(experiment_, each.member);
      if (!added) return added.error();
      rows_[each.member.id] = added->no;
    }
    return ok();
  }

  /// Nothing: the archive names nobody.
  [[nodiscard]] std::optional<std::int64_t> row_of(const std::string& id) const {
    const auto at = rows_.find(id);
    return at == rows_.end() ? std::nullopt : std::optional(at->second);
  }

  Status add_recordings(const std::vector<ArchivedRecording>& recordings) {
    std::vector<Recording> out;
    out.reserve(recordings.size());
    for (const ArchivedRecording& each : recordings) {
      Recording& recording = out.emplace_back(each.recording);
      recording.participant = row_of(each.participant);
      recording.task = row_of(each.task);
      recording.member_operator = row_of(each.member_operator);
    }
    return studies_.recordings.add_all(experiment_, out);
  }

  Status add_marks(const std::vector<ArchivedMark>& marks) {
    for (const ArchivedMark& each : marks) {
      const auto participant = row_of(each.participant);
      const auto task = row_of(each.task);
      if (!participant || !task) continue;
      const ProgressMark mark{*participant, *task, each.state, each.note, now_.ns};
      if (auto done = studies_.recordings.mark_progress(mark); !done) return done;
    }
    return ok();
  }

  Status add_flags(const std::vector<ArchivedFlag>& flags) {
    std::vector<HealthFlag> out;
    out.reserve(flags.size());
    for (const ArchivedFlag& each : flags) {
      HealthFlag& flag = out.emplace_back(each.flag);
      if (each.series.empty()) continue;
      const auto series = series_of(each.node, each.series);
      if (!series) return series.error();
      flag.series = *series;
    }
    return studies_.health.add_all(experiment_, out);
  }

  /// 0: none.
  Result<SeriesId> series_of(const std::string& node, const std::string& key) {
    rt::Statement& find = db_.prepare(
        "SELECT series.id FROM series JOIN node ON no = node_no WHERE node.id = ?1 AND key = ?2");
    find.bind_text(1, node).bind_text(2, key);
    const auto row = find.step();
    if (!row) return row.error();
    const SeriesId id = *row ? find.i64(0) : 0;
    find.reset();
    return id;
  }

  rt::Database& db_;
  Studies studies_;
  rt::UnixTime now_;
  std::int64_t experiment_ = 0;
  std::map<std::string, std::int64_t> rows_;  ///< of members by id
};

/// An id that another experiment has becomes one of this experiment, each time the same: whoever
/// writes an entry may choose its id.
Result<std::string> entry_id(LogbookTable& logbook, const Experiment& experiment,
                             const std::string& id) {
  const auto owner = logbook.experiment_of(id);
  if (!owner) return owner.error();
  if (!*owner || **owner == experiment.no) return id;
  return uuid_of(wire::hash128(experiment.id + "\n" + id));
}

}  // namespace

Status import_study(Store& store, const ArchivedStudy& study, rt::UnixTime now) {
  const auto found = Studies(store.database()).experiments.find(study.experiment.id);
  const auto known = is_there(found);
  if (!known) return known.error();
  // Names are looked up as well, but one of that name is not the one that is meant.
  const bool is_same = *known && found->id == study.experiment.id;
  return is_same ? ok() : StudyImport(store, now).make(study);
}

Status import_log(Store& store, const std::string& experiment,
                  const std::vector<ArchivedEntry>& entries) {
  Studies studies(store.database());
  const auto found = studies.experiments.find(experiment);
  if (!found) return found.error();
  std::vector<LogEntry> out;
  out.reserve(entries.size());
  for (const ArchivedEntry& each : entries) {
    LogEntry& entry = out.emplace_back(each.entry);
    auto id = entry_id(studies.logbook, *found, entry.id);
    if (!id) return id.error();
    entry.id = *std::move(id);
    if (!each.recording.empty()) {
      const auto recording = studies.recordings.find(found->no, each.recording);
      if (recording) entry.recording = recording->no;
    }
    if (!each.participant.empty()) {
      const auto member =
          studies.experiments.find_member(found->no, MemberKind::kParticipant, each.participant);
      if (member) entry.participant = member->no;
    }
  }
  return studies.logbook.add_all(found->no, out);
}

}  // namespace fieldpost::coordinator
