#include "coordinator/store/build_attempt_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "proto/rt/rows.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::Result;
using rt::Status;

namespace {

/// 0: the attempt is not known.
Result<NodeNo> node_of(rt::Database& db, const wire::JobAttempt& attempt) {
  const std::string job = attempt.job.bytes();
  rt::Statement& find =
      db.prepare("SELECT node_no FROM build_attempt WHERE job = ?1 AND fence = ?2");
  return rt::read_number(find.bind_blob(1, job).bind(2, attempt.fence));
}

Status insert(rt::Database& db, const wire::JobAttempt& attempt, NodeNo node, rt::UnixTime now) {
  const std::string job = attempt.job.bytes();
  rt::Statement& add = db.prepare(
      "INSERT INTO build_attempt (job, fence, node_no, changed_ns) VALUES (?1, ?2, ?3, ?4)");
  return add.bind_blob(1, job).bind(2, attempt.fence).bind(3, node).bind(4, now.ns).run();
}

}  // namespace

Status BuildAttemptTable::begin(const wire::JobAttempt& attempt, NodeNo node, rt::UnixTime now) {
  const auto known = node_of(db_, attempt);
  if (!known) return known.error();
  if (*known != 0) {
    return Error{Errc::kDenied, fmt::format("fence {} of job {} was given out before",
                                            attempt.fence, attempt.job.hex())};
  }
  return insert(db_, attempt, node, now);
}

Result<bool> BuildAttemptTable::take(const wire::JobAttempt& attempt, NodeNo node,
                                     rt::UnixTime now) {
  const auto known = node_of(db_, attempt);
  if (!known) return known.error();
  if (*known != 0 && *known != node) {
    return Error{Errc::kInvalid, fmt::format("job {} with fence {} is another node's",
                                             attempt.job.hex(), attempt.fence)};
  }
  if (*known == 0) {
    if (auto done = insert(db_, attempt, node, now); !done) return done.error();
    return true;
  }
  const std::string job = attempt.job.bytes();
  rt::Statement& note =
      db_.prepare("UPDATE build_attempt SET changed_ns = ?3 WHERE job = ?1 AND fence = ?2");
  note.bind_blob(1, job).bind(2, attempt.fence).bind(3, now.ns);
  if (auto done = note.run(); !done) return done.error();
  return false;
}

Result<std::uint64_t> BuildAttemptTable::next_fence(const wire::JobAttempt& attempt) {
  const std::string job = attempt.job.bytes();
  rt::Statement& last =
      db_.prepare("SELECT coalesce(max(fence), 0) FROM build_attempt WHERE job = ?1");
  const auto found = rt::read_number(last.bind_blob(1, job));
  if (!found) return found.error();
  const std::uint64_t highest = std::max(static_cast<std::uint64_t>(*found), attempt.fence);
  if (highest >= kFenceMax) {
    return Error{Errc::kFull, fmt::format("job {} has no fence left", attempt.job.hex())};
  }
  return highest + 1;
}

Result<AttemptExtent> BuildAttemptTable::extent(const wire::JobAttempt& attempt) {
  const std::string job = attempt.job.bytes();
  rt::Statement& find = db_.prepare(
      "SELECT log_stored, log_bytes, fact_count FROM build_attempt WHERE job = ?1 AND fence = ?2");
  const auto row = find.bind_blob(1, job).bind(2, attempt.fence).step();
  if (!row) return row.error();
  AttemptExtent out;
  if (!*row) return out;
  out.log_stored = find.u64(0);
  if (!find.is_null(1)) out.log_bytes = find.u64(1);
  if (!find.is_null(2)) out.fact_count = static_cast<std::uint32_t>(find.u64(2));
  find.reset();
  return out;
}

Status BuildAttemptTable::add_log(const wire::JobAttempt& attempt, std::uint64_t bytes) {
  const std::string job = attempt.job.bytes();
  rt::Statement& stmt = db_.prepare(
      "UPDATE build_attempt SET log_stored = log_stored + ?3 WHERE job = ?1 AND fence = ?2");
  return stmt.bind_blob(1, job).bind(2, attempt.fence).bind(3, bytes).run();
}

Status BuildAttemptTable::set_end(const wire::JobAttempt& attempt, const AttemptExtent& extent) {
  FP_CHECK(extent.log_bytes && extent.fact_count);
  const std::string job = attempt.job.bytes();
  rt::Statement& stmt = db_.prepare(
      "UPDATE build_attempt SET log_stored = ?3, log_bytes = ?4, fact_count = ?5"
      " WHERE job = ?1 AND fence = ?2");
  stmt.bind_blob(1, job).bind(2, attempt.fence).bind(3, extent.log_stored);
  return stmt.bind(4, *extent.log_bytes).bind(5, std::uint64_t{*extent.fact_count}).run();
}

}  // namespace fieldpost::coordinator
