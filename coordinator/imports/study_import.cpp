#include "coordinator/imports/study_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
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

/// Into a name with other versions of its own nothing is put: the newest of them is what its people
/// go on with.
Result<ConfigRef> import_config(Studies& studies, SensorConfig config) {
  const auto same = studies.configs.find(config.name, config.version);
  if (same && same->sensors == config.sensors) return ConfigRef{config.name, config.version};
  auto name = free_name(config.name, [&](const std::string& tried) {
    return is_there(studies.configs.find(tried, 0));
  });
  if (!name) return name.error();
  config.name = *std::move(name);
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

/// What tells losses apart.
using GapKey = std::tuple<NodeNo, std::int64_t, std::int64_t, std::int64_t, std::uint64_t, bool,
                          std::uint64_t, std::string>;

GapKey key_of(const NewGap& gap) {
  std::string sets;
  for (const wire::Hash128& set : gap.sets) sets += set.bytes();
  return {gap.node,       static_cast<std::int64_t>(gap.cause),
          gap.first_time, gap.last_time,
          gap.readings,   gap.readings_known,
          gap.fragments,  std::move(sets)};
}

/// Those of a node that are declared.
Status load_declared(rt::Database& db, NodeNo node, std::set<GapKey>& out) {
  rt::Statement& rows = db.prepare(
      "SELECT cause, coalesce(first_time, 0), coalesce(last_time, 0), readings, readings_known,"
      " fragments, coalesce(sets, x'') FROM gap WHERE node_no = ?1 AND state = 2");
  rows.bind(1, node);
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return ok();
    out.emplace(node, rows.i64(0), rows.i64(1), rows.i64(2), rows.u64(3), rows.i64(4) != 0,
                rows.u64(5), std::string(rows.blob(6)));
  }
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
  std::set<NodeNo> nodes;
  std::set<GapKey> declared;
  for (const ArchivedGap& each : gaps) {
    const auto node = store.ledger().node_no(each.node, now);
    if (!node) return node.error();
    if (nodes.insert(*node).second) {
      if (auto done = load_declared(store.database(), *node, declared); !done) return done;
    }
    NewGap gap;
    gap.node = *node;
    gap.cause = each.cause;
    if (each.from || each.to) {
      gap.first_time = each.from.value_or(INT64_MIN);
      gap.last_time = each.to.value_or(INT64_MAX);
    }
    gap.readings = each.readings.value_or(0);
    gap.readings_known = each.readings.has_value();
    gap.fragments = each.fragments;
    if (each.series && !each.series->empty()) {
      auto sets = sets_of(store.readings(), *each.series);
      if (!sets) return sets.error();
      gap.sets = *std::move(sets);
      gap.sets_known = true;
    }
    if (!declared.insert(key_of(gap)).second) continue;
    const auto added = store.ledger().add_gap(gap, now);
    if (!added) return added.error();
  }
  return ok();
}

}  // namespace fieldpost::coordinator
