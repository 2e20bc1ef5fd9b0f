#include "coordinator/store/gap_table.h"

#include <string>

namespace fieldpost::coordinator {
namespace {

constexpr int kUnconfirmed = 1;
constexpr int kDeclared = 2;

std::string set_bytes(const std::vector<wire::Hash128>& sets) {
  std::string bytes;
  for (const wire::Hash128& set : sets) bytes += set.bytes();
  return bytes;
}

}  // namespace

rt::Result<std::int64_t> insert_gap(rt::Database& db, const NewGap& gap, rt::UnixTime since) {
  const std::string sets = set_bytes(gap.sets);
  rt::Statement& add = db.prepare(
      "INSERT INTO gap (node_no, cause, state, first_time, last_time, readings, readings_known,"
      " sets, since_ns, fragments) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?9, ?7, ?8, ?10)");
  add.bind(1, gap.node).bind(2, static_cast<int>(gap.cause));
  add.bind(3, gap.unconfirmed ? kUnconfirmed : kDeclared).bind(6, gap.readings).bind(8, since.ns);
  add.bind(9, gap.readings_known ? 1 : 0).bind(10, gap.fragments);
  if (gap.first_time == 0 && gap.last_time == 0) {
    add.bind_null(4).bind_null(5);
  } else {
    add.bind(4, gap.first_time).bind(5, gap.last_time);
  }
  if (gap.sets_known) {
    add.bind_blob(7, sets);
  } else {
    add.bind_null(7);
  }
  if (auto done = add.run(); !done) return done.error();
  return db.last_insert_rowid();
}

}  // namespace fieldpost::coordinator
