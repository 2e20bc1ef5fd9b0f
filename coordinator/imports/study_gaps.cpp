// The losses of an archive. One that says where it was declared first stands once, in however many
// archives it is. That is a claim: a false one joins its own telling to that of another loss, and
// takes nothing away. Where either side does not say, what may stand here already are losses that
// an import of the archive declared, to the letter, and, where the archive was made, those that
// nodes told: of their series it has only the experiment's. Losses may be alike in all that is
// known of them: as many as the archive has must stand.
#include <algorithm>
#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "coordinator/imports/study_import.h"
#include "coordinator/store/gap_table.h"
#include "proto/rt/rows.h"
#include "proto/wire/limits.h"

namespace fieldpost::coordinator {
namespace {

using rt::ok;
using rt::Result;
using rt::Status;

constexpr std::size_t kKeysOfSet = 256;
constexpr std::size_t kHashBytes = 16;

using MaybeTime = std::optional<std::int64_t>;
/// Hashes of sets, one behind the other; nothing: it is not known which series.
using SetBytes = std::optional<std::string>;

/// What two tellings of one loss have in common.
struct Loss {
  NodeNo node = 0;
  wire::GapCause cause = wire::GapCause::kUnknown;
  MaybeTime from, to;
  std::uint64_t readings = 0;
  bool readings_known = false;
  std::uint64_t fragments = 0;
  auto operator<=>(const Loss&) const = default;
};

struct Alike {
  std::uint64_t all = 0;
  std::uint64_t without_origin = 0;
};

/// How many losses stand here, by their series.
struct Standing {
  std::map<SetBytes, Alike> all;
  std::map<SetBytes, std::uint64_t> told;  ///< those of them that nodes told
};

/// One end that is not known is without end; neither known is not known when.
Loss loss_of(const ArchivedGap& gap, NodeNo node) {
  Loss loss{
      node,         gap.cause, gap.from, gap.to, gap.readings.value_or(0), gap.readings.has_value(),
      gap.fragments};
  if (loss.from.has_value() == loss.to.has_value()) return loss;
  loss.from = gap.from.value_or(INT64_MIN);
  loss.to = gap.to.value_or(INT64_MAX);
  return loss;
}

class GapImport {
 public:
  GapImport(Store& store, rt::UnixTime now)
      : db_(store.database()), ledger_(store.ledger()), readings_(store.readings()), now_(now) {}

  Status add_all(std::span<const ArchivedGap> gaps) {
    std::vector<Loss> losses;
    losses.reserve(gaps.size());
    for (const ArchivedGap& each : gaps) {
      const auto node = ledger_.node_no(each.node, now_);
      if (!node) return node.error();
      losses.push_back(loss_of(each, *node));
      standing_.try_emplace(losses.back());
    }
    for (std::size_t i = 0; i < gaps.size(); ++i) {
      if (auto done = add(gaps[i], losses[i]); !done) return done;
    }
    return ok();
  }

 private:
  Status add(const ArchivedGap& gap, const Loss& loss) {
    const auto fresh = new_gap(gap, loss);
    if (!fresh) return fresh.error();
    if (gap.origin) {
      const auto joined = join(*fresh);
      if (!joined) return joined.error();
      if (*joined) return ok();
    }
    const SetBytes sets = sets_of(*fresh);
    const auto stands = has_alike(gap, loss, sets);
    if (!stands) return stands.error();
    if (*stands) return ok();
    if (const auto no = ledger_.add_gap(*fresh, now_); !no) return no.error();
    count(standing_.at(loss).all[sets], gap.origin.has_value());
    return ok();
  }

  Result<NewGap> new_gap(const ArchivedGap& gap, const Loss& loss) {
    NewGap fresh{.node = loss.node, .cause = loss.cause};
    if (gap.series) {
      auto made = make_sets(loss.node, *gap.series);
      if (!made) return made.error();
      fresh.sets = *std::move(made);
      fresh.sets_known = true;
    }
    fresh.first_time = loss.from.value_or(0);
    fresh.last_time = loss.to.value_or(0);
    fresh.readings = loss.readings;
    fresh.readings_known = loss.readings_known;
    fresh.fragments = loss.fragments;
    fresh.origin = gap.origin;
    return fresh;
  }

  static SetBytes sets_of(const NewGap& gap) {
    if (!gap.sets_known) return std::nullopt;
    std::string bytes;
    for (const wire::Hash128& each : gap.sets) bytes += each.bytes();
    return bytes;
  }

  static void count(Alike& alike, bool has_origin) {
    alike.all += 1;
    if (!has_origin) alike.without_origin += 1;
  }

  /// Whether its row stands here. This store's own one knows more than an archive of it.
  Result<bool> join(const NewGap& gap) {
    if (gap.origin->store == ledger_.store_id()) {
      const auto own = is_own_gap(db_, gap);
      if (!own || *own) return own;
    }
    return join_gap(db_, gap);
  }

  /// Whether as many stand as the archive has. A row with an origin is of that one and no other.
  Result<bool> has_alike(const ArchivedGap& gap, const Loss& loss, const SetBytes& sets) {
    if (auto done = load(loss.node, loss.from); !done) return done.error();
    Standing& standing = standing_.at(loss);
    const Alike& alike = standing.all[sets];
    const std::uint64_t same = gap.origin ? alike.without_origin : alike.all;
    if (same >= gap.number) return true;
    const auto told = count_told(standing, gap, sets);
    if (!told) return told.error();
    return same + *told >= gap.number;
  }

  /// What stands of a node from this time on, once.
  Status load(NodeNo node, MaybeTime from) {
    if (!loaded_.emplace(node, from).second) return ok();
    rt::Statement& rows = db_.prepare(
        "SELECT no, cause, last_time, readings, readings_known, fragments, sets,"
        " origin_store IS NOT NULL FROM gap"
        " WHERE node_no = ?1 AND first_time IS ?2 AND state IN (1, 2)");
    rt::bind_or_null(rows.bind(1, node), 2, from);
    for (;;) {
      const auto row = rows.step();
      if (!row) return row.error();
      if (!*row) return ok();
      const Loss loss{node,        static_cast<wire::GapCause>(rows.i64(1)),
                      from,        rt::number_or_none(rows, 2),
                      rows.u64(3), rows.i64(4) != 0,
                      rows.u64(5)};
      const auto at = standing_.find(loss);
      if (at == standing_.end()) continue;
      const SetBytes sets = rows.is_null(6) ? SetBytes() : SetBytes(rows.blob(6));
      const auto told = has_names(rows.i64(0));
      if (!told) {
        rows.reset();
        return told.error();
      }
      count(at->second.all[sets], rows.i64(7) != 0);
      if (*told) at->second.told[sets] += 1;
    }
  }

  Result<bool> has_names(std::int64_t gap) {
    rt::Statement& find = db_.prepare("SELECT 1 FROM gap_name WHERE gap_no = ?1 LIMIT 1");
    const auto row = find.bind(1, gap).step();
    if (!row) return row.error();
    find.reset();
    return *row;
  }

  /// How often nodes told of this loss, of these series and more.
  Result<std::uint64_t> count_told(const Standing& standing, const ArchivedGap& gap,
                                   const SetBytes& same) {
    std::uint64_t count = 0;
    for (const auto& [sets, times] : standing.told) {
      if (sets == same) continue;
      const auto covers = has_series(sets, gap.series);
      if (!covers) return covers.error();
      if (*covers) count += times;
    }
    return count;
  }

  /// What is not known is any of them.
  Result<bool> has_series(const SetBytes& sets,
                          const std::optional<std::vector<std::string>>& series) {
    if (!series) return true;
    if (!sets) return false;
    std::set<std::string> keys;
    for (std::size_t at = 0; at + kHashBytes <= sets->size(); at += kHashBytes) {
      const auto hash = wire::Id128::from_bytes(std::string_view(*sets).substr(at, kHashBytes));
      const auto set = readings_.find_set(hash);
      if (!set && set.error().code == rt::Errc::kNotFound) continue;
      if (!set) return set.error();
      keys.insert((*set)->keys.begin(), (*set)->keys.end());
    }
    return std::ranges::includes(keys, *series);
  }

  /// Sets of these keys, with the node's series: questions about gaps find them by those.
  Result<std::vector<wire::Hash128>> make_sets(NodeNo node, const std::vector<std::string>& keys) {
    std::vector<wire::Hash128> out;
    for (std::size_t at = 0; at < keys.size();) {
      std::vector<std::string> some;
      for (std::size_t bytes = 0; at < keys.size() && some.size() < kKeysOfSet; ++at) {
        bytes += keys[at].size() + 1;
        if (bytes > wire::kDefinitionBytesMax) break;
        some.push_back(keys[at]);
      }
      const auto set = wire::SeriesSet::make(std::move(some));
      if (!set) return set.error();
      const auto series = readings_.series_of(node, *set);
      if (!series) return series.error();
      out.push_back(set->hash);
    }
    return out;
  }

  rt::Database& db_;
  Ledger& ledger_;
  ReadingStore& readings_;
  rt::UnixTime now_;
  std::map<Loss, Standing> standing_;  ///< of the losses that are asked about
  std::set<std::pair<NodeNo, MaybeTime>> loaded_;
};

}  // namespace

Status import_gaps(Store& store, std::span<const ArchivedGap> gaps, rt::UnixTime now) {
  return GapImport(store, now).add_all(gaps);
}

}  // namespace fieldpost::coordinator
