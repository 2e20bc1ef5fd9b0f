#include "coordinator/imports/study_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "coordinator/store/gap_table.h"
#include "coordinator/store/studies.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

constexpr int kNamesTried = 1000;
constexpr std::size_t kKeysOfSet = 256;

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

Result<ConfigRef> import_config(Studies& studies, SensorConfig config) {
  const auto same = studies.configs.find(config.name, config.version);
  if (same && same->sensors == config.sensors) return ConfigRef{config.name, config.version};
  const auto taken = is_there(same);
  if (!taken) return taken.error();
  if (*taken) {
    auto name = free_name(config.name, [&](const std::string& tried) {
      return is_there(studies.configs.find(tried, config.version));
    });
    if (!name) return name.error();
    config.name = *std::move(name);
  }
  if (auto done = studies.configs.insert(config); !done) return done.error();
  return ConfigRef{config.name, config.version};
}

/// Puts one study in, member by member.
class StudyImport {
 public:
  StudyImport(Store& store, rt::UnixTime now)
      : db_(store.database()), studies_(store.database()), now_(now) {}

  Status make(const ArchivedStudy& study) {
    Experiment experiment = study.experiment;
    auto name = free_name(experiment.name, [this](const std::string& tried) {
      return is_there(studies_.experiments.find(tried));
    });
    if (!name) return name.error();
    experiment.name = *std::move(name);
    if (study.config) {
      auto config = import_config(studies_, *study.config);
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

  Result<std::optional<std::int64_t>> row_of(const std::string& id) const {
    if (id.empty()) return std::optional<std::int64_t>();
    const auto at = rows_.find(id);
    if (at != rows_.end()) return std::optional<std::int64_t>(at->second);
    return Error{Errc::kInvalid, "the archive names a member " + id + " that it does not have"};
  }

  Status add_recordings(const std::vector<ArchivedRecording>& recordings) {
    for (const ArchivedRecording& each : recordings) {
      Recording recording = each.recording;
      recording.experiment = experiment_;
      const std::pair<const std::string&, std::optional<std::int64_t>&> members[] = {
          {each.participant, recording.participant},
          {each.task, recording.task},
          {each.member_operator, recording.member_operator}};
      for (const auto& [id, row] : members) {
        const auto found = row_of(id);
        if (!found) return found.error();
        row = *found;
      }
      const auto added = studies_.recordings.add(std::move(recording));
      if (!added) return added.error();
    }
    return ok();
  }

  Status add_marks(const std::vector<ArchivedMark>& marks) {
    for (const ArchivedMark& each : marks) {
      const auto participant = row_of(each.participant);
      if (!participant) return participant.error();
      const auto task = row_of(each.task);
      if (!task) return task.error();
      if (!*participant || !*task) continue;
      ProgressMark mark{**participant, **task, each.state, each.note, now_.ns};
      if (auto done = studies_.recordings.mark_progress(mark); !done) return done;
    }
    return ok();
  }

  Status add_flags(const std::vector<ArchivedFlag>& flags) {
    for (const ArchivedFlag& each : flags) {
      HealthFlag flag = each.flag;
      flag.experiment = experiment_;
      if (!each.series.empty()) {
        const auto series = series_of(each.node, each.series);
        if (!series) return series.error();
        flag.series = *series;
      }
      if (auto done = studies_.health.begin(flag); !done) return done;
      if (auto done = studies_.health.end(flag); !done) return done;
    }
    return ok();
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

Result<bool> is_declared(rt::Database& db, const NewGap& gap) {
  rt::Statement& find = db.prepare(
      "SELECT 1 FROM gap WHERE node_no = ?1 AND cause = ?2 AND state = 2 AND"
      " coalesce(first_time, 0) = ?3 AND coalesce(last_time, 0) = ?4 AND readings = ?5"
      " AND readings_known = ?6 LIMIT 1");
  find.bind(1, gap.node).bind(2, static_cast<std::int64_t>(gap.cause)).bind(3, gap.first_time);
  find.bind(4, gap.last_time).bind(5, gap.readings).bind(6, gap.readings_known ? 1 : 0);
  const auto row = find.step();
  if (!row) return row.error();
  find.reset();
  return *row;
}

Result<std::vector<wire::Hash128>> sets_of(ReadingStore& readings,
                                           const std::vector<std::string>& keys) {
  std::vector<wire::Hash128> out;
  for (std::size_t at = 0; at < keys.size(); at += kKeysOfSet) {
    const auto begin = keys.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t count = std::min(kKeysOfSet, keys.size() - at);
    const auto set = wire::SeriesSet::make({begin, begin + static_cast<std::ptrdiff_t>(count)});
    if (!set) return set.error();
    if (!readings.find_set(set->hash)) {
      const auto added = readings.add_set(set->encode());
      if (!added) return added.error();
    }
    out.push_back(set->hash);
  }
  return out;
}

}  // namespace

Status import_study(Store& store, const ArchivedStudy& study, rt::UnixTime now) {
  const auto known = is_there(Studies(store.database()).experiments.find(study.experiment.id));
  if (!known) return known.error();
  return *known ? ok() : StudyImport(store, now).make(study);
}

Status import_log(Store& store, const std::string& experiment,
                  const std::vector<ArchivedEntry>& entries) {
  Studies studies(store.database());
  const auto found = studies.experiments.find(experiment);
  if (!found) return found.error();
  for (const ArchivedEntry& each : entries) {
    LogEntry entry = each.entry;
    entry.experiment = found->no;
    if (!each.recording.empty()) {
      const auto recording = studies.recordings.find(found->no, each.recording);
      if (recording) entry.recording = recording->no;
    }
    if (!each.participant.empty()) {
      const auto member =
          studies.experiments.find_member(found->no, MemberKind::kParticipant, each.participant);
      if (member) entry.participant = member->no;
    }
    const auto added = studies.logbook.add(std::move(entry));
    if (!added) return added.error();
  }
  return ok();
}

Status import_gaps(Store& store, const std::vector<ArchivedGap>& gaps, rt::UnixTime now) {
  for (const ArchivedGap& each : gaps) {
    const auto node = store.ledger().node_no(each.node, now);
    if (!node) return node.error();
    NewGap gap;
    gap.node = *node;
    gap.cause = each.cause;
    gap.first_time = each.from.value_or(0);
    gap.last_time = each.to.value_or(0);
    gap.readings = each.readings.value_or(0);
    gap.readings_known = each.readings.has_value();
    if (each.series && !each.series->empty()) {
      auto sets = sets_of(store.readings(), *each.series);
      if (!sets) return sets.error();
      gap.sets = *std::move(sets);
      gap.sets_known = true;
    }
    const auto declared = is_declared(store.database(), gap);
    if (!declared) return declared.error();
    if (*declared) continue;
    const auto added = store.ledger().add_gap(gap, now);
    if (!added) return added.error();
  }
  return ok();
}

}  // namespace fieldpost::coordinator
