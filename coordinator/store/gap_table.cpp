#include "coordinator/store/gap_table.h"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace fieldpost::coordinator {
namespace {

constexpr int kUnconfirmed = 1;
constexpr int kDeclared = 2;
constexpr std::size_t kHashBytes = 16;

std::string set_bytes(const std::vector<wire::Hash128>& sets) {
  std::string bytes;
  for (const wire::Hash128& set : sets) bytes += set.bytes();
  return bytes;
}

/// The first and the last, from this index on.
void bind_times(rt::Statement& stmt, int index, const NewGap& gap) {
  if (gap.first_time == 0 && gap.last_time == 0) {
    stmt.bind_null(index).bind_null(index + 1);
  } else {
    stmt.bind(index, gap.first_time).bind(index + 1, gap.last_time);
  }
}

void bind_sets(rt::Statement& stmt, int index, const std::optional<std::string>& sets) {
  if (sets) {
    stmt.bind_blob(index, *sets);
  } else {
    stmt.bind_null(index);
  }
}

/// Hashes of both, each once; nothing: not known which.
std::optional<std::string> join_sets(std::optional<std::string> there, const NewGap& gap) {
  if (!there || !gap.sets_known) return std::nullopt;
  if (*there == set_bytes(gap.sets)) return there;
  if (there->size() / kHashBytes + gap.sets.size() > kJoinedSetsMax) return std::nullopt;
  std::set<wire::Hash128> known;
  for (std::size_t at = 0; at + kHashBytes <= there->size(); at += kHashBytes) {
    known.insert(wire::Id128::from_bytes(std::string_view(*there).substr(at, kHashBytes)));
  }
  for (const wire::Hash128& each : gap.sets) {
    if (known.insert(each).second) *there += each.bytes();
  }
  return there;
}

}  // namespace

rt::Result<std::int64_t> insert_gap(rt::Database& db, const NewGap& gap, rt::UnixTime since) {
  std::optional<std::string> sets;
  if (gap.sets_known) sets = set_bytes(gap.sets);
  const std::string store = gap.origin ? gap.origin->store.bytes() : std::string();
  rt::Statement& add = db.prepare(
      "INSERT INTO gap (node_no, cause, state, first_time, last_time, readings, readings_known,"
      " sets, since_ns, fragments, origin_store, origin_no)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?9, ?7, ?8, ?10, ?11, ?12)");
  add.bind(1, gap.node).bind(2, static_cast<int>(gap.cause));
  add.bind(3, gap.unconfirmed ? kUnconfirmed : kDeclared).bind(6, gap.readings).bind(8, since.ns);
  add.bind(9, gap.readings_known ? 1 : 0).bind(10, gap.fragments);
  bind_times(add, 4, gap);
  bind_sets(add, 7, sets);
  if (gap.origin) {
    add.bind_blob(11, store).bind(12, gap.origin->no);
  } else {
    add.bind_null(11).bind_null(12);
  }
  if (auto done = add.run(); !done) return done.error();
  return db.last_insert_rowid();
}

rt::Result<bool> is_own_gap(rt::Database& db, const NewGap& gap) {
  rt::Statement& find = db.prepare(
      "SELECT 1 FROM gap WHERE no = ?1 AND origin_store IS NULL AND node_no = ?2 AND cause = ?3"
      " AND first_time IS ?4 AND last_time IS ?5");
  find.bind(1, gap.origin->no).bind(2, gap.node).bind(3, static_cast<int>(gap.cause));
  bind_times(find, 4, gap);
  const auto row = find.step();
  if (!row) return row.error();
  find.reset();
  return *row;
}

rt::Result<bool> join_gap(rt::Database& db, const NewGap& gap) {
  const std::string store = gap.origin->store.bytes();
  rt::Statement& find = db.prepare(
      "SELECT no, sets FROM gap WHERE origin_store = ?1 AND origin_no = ?2 AND node_no = ?3"
      " AND cause = ?4 AND first_time IS ?5 AND last_time IS ?6");
  find.bind_blob(1, store).bind(2, gap.origin->no).bind(3, gap.node);
  find.bind(4, static_cast<int>(gap.cause));
  bind_times(find, 5, gap);
  const auto row = find.step();
  if (!row) return row.error();
  if (!*row) return false;
  const std::int64_t no = find.i64(0);
  std::optional<std::string> sets;
  if (!find.is_null(1)) sets = std::string(find.blob(1));
  find.reset();
  sets = join_sets(std::move(sets), gap);
  rt::Statement& raise = db.prepare(
      "UPDATE gap SET readings = max(readings, ?2), readings_known = min(readings_known, ?3),"
      " fragments = max(fragments, ?4), sets = ?5 WHERE no = ?1"
      " AND (readings < ?2 OR readings_known > ?3 OR fragments < ?4 OR sets IS NOT ?5)");
  raise.bind(1, no).bind(2, gap.readings).bind(3, gap.readings_known ? 1 : 0);
  raise.bind(4, gap.fragments);
  bind_sets(raise, 5, sets);
  if (auto done = raise.run(); !done) return done.error();
  return true;
}

}  // namespace fieldpost::coordinator
