#include "coordinator/store/build_fact_table.h"

#include "proto/rt/rows.h"

namespace fieldpost::coordinator {

using rt::Result;

Result<bool> BuildFactTable::put(const wire::BuildFact& fact, rt::UnixTime now) {
  const std::string job = fact.attempt.job.bytes();
  rt::Statement& add = db_.prepare(
      "INSERT OR IGNORE INTO build_fact (job, fence, n, fact, received_ns)"
      " VALUES (?1, ?2, ?3, ?4, ?5)");
  add.bind_blob(1, job).bind(2, fact.attempt.fence).bind(3, std::uint64_t{fact.n});
  if (auto done = add.bind_text(4, fact.fact).bind(5, now.ns).run(); !done) return done.error();
  return db_.changes() > 0;
}

Result<std::vector<StoredFact>> BuildFactTable::list(const wire::JobAttempt& attempt,
                                                     std::uint32_t from, std::size_t limit) {
  const std::string job = attempt.job.bytes();
  rt::Statement& rows = db_.prepare(
      "SELECT n, fact, received_ns FROM build_fact WHERE job = ?1 AND fence = ?2 AND n >= ?3"
      " ORDER BY n LIMIT ?4");
  rows.bind_blob(1, job).bind(2, attempt.fence).bind(3, std::uint64_t{from});
  rows.bind(4, static_cast<std::int64_t>(limit));
  return rt::read_rows(rows, [](const rt::Statement& row) {
    return StoredFact{static_cast<std::uint32_t>(row.u64(0)), std::string(row.text(1)), row.i64(2)};
  });
}

Result<std::uint32_t> BuildFactTable::count(const wire::JobAttempt& attempt) {
  const std::string job = attempt.job.bytes();
  rt::Statement& stmt =
      db_.prepare("SELECT count(*) FROM build_fact WHERE job = ?1 AND fence = ?2");
  const auto found = rt::read_number(stmt.bind_blob(1, job).bind(2, attempt.fence));
  if (!found) return found.error();
  return static_cast<std::uint32_t>(*found);
}

Result<bool> BuildFactTable::has_above(const wire::JobAttempt& attempt, std::uint32_t n) {
  const std::string job = attempt.job.bytes();
  rt::Statement& stmt =
      db_.prepare("SELECT 1 FROM build_fact WHERE job = ?1 AND fence = ?2 AND n > ?3 LIMIT 1");
  stmt.bind_blob(1, job).bind(2, attempt.fence).bind(3, std::uint64_t{n});
  const auto found = rt::read_number(stmt);
  if (!found) return found.error();
  return *found != 0;
}

}  // namespace fieldpost::coordinator
