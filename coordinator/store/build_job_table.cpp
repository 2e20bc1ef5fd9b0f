#include "coordinator/store/build_job_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "coordinator/store/build_attempt_table.h"
#include "coordinator/store/experiment_table.h"
#include "proto/rt/rows.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

constexpr std::int64_t as_number(JobState state) {
  return static_cast<std::int64_t>(state);
}

std::string select(std::string_view rest) {
  constexpr std::string_view kSelect =
      "SELECT j.no, j.build_no, j.job, j.place, j.key, j.name, j.labels, j.needs, j.spec, j.state,"
      " j.fence, j.attempt, n.id, j.boot, j.command_id, j.leased_ns, j.verdict, j.why,"
      " j.started_ns, j.ended_ns, j.outputs, j.log_bytes"
      " FROM build_job j LEFT JOIN node n ON n.no = j.node_no ";
  return std::string(kSelect).append(rest);
}

BuildJob read(const rt::Statement& row) {
  BuildJob out;
  out.no = row.i64(0);
  out.build = row.i64(1);
  out.id = wire::JobId::from_bytes(row.blob(2));
  out.place = row.i64(3);
  out.key = row.text(4);
  out.name = row.text(5);
  out.labels = decode_texts(row.text(6));
  out.needs = decode_texts(row.text(7));
  out.spec = row.text(8);
  out.state = static_cast<JobState>(row.i64(9));
  out.fence = row.u64(10);
  out.attempt = row.i64(11);
  if (!row.is_null(12)) {
    out.lease = JobLease{std::string(row.text(12)), wire::Id128::from_bytes(row.blob(13)),
                         row.u64(14), row.i64(15)};
  }
  if (!row.is_null(16)) out.verdict = parse_build_verdict(row.text(16));
  out.why = row.text(17);
  out.started = rt::number_or_none(row, 18);
  out.ended = rt::number_or_none(row, 19);
  out.outputs = row.text(20);
  if (!row.is_null(21)) out.log_bytes = row.u64(21);
  return out;
}

}  // namespace

Status BuildJobTable::add(const BuildJob& job) {
  const std::string id = job.id.bytes();
  rt::Statement& stmt = db_.prepare(
      "INSERT INTO build_job (build_no, job, place, key, name, state, fence, attempt, labels, "
      "needs,"
      " spec) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
  stmt.bind(1, job.build).bind_blob(2, id).bind(3, job.place).bind_text(4, job.key);
  stmt.bind_text(5, job.name).bind(6, as_number(job.state)).bind(7, job.fence);
  stmt.bind(8, job.attempt).bind_text(9, encode_texts(job.labels));
  return stmt.bind_text(10, encode_texts(job.needs)).bind_text(11, job.spec).run();
}

Result<std::vector<BuildJob>> BuildJobTable::of_build(std::int64_t build) {
  rt::Statement& stmt = db_.prepare(select("WHERE j.build_no = ?1 ORDER BY j.place"));
  return rt::read_rows(stmt.bind(1, build), read);
}

Result<BuildJob> BuildJobTable::find(const wire::JobId& id) {
  const std::string key = id.bytes();
  rt::Statement& stmt = db_.prepare(select("WHERE j.job = ?1"));
  auto found = rt::read_rows(stmt.bind_blob(1, key), read);
  if (!found) return found.error();
  if (found->empty()) return Error{Errc::kNotFound, fmt::format("there is no job {}", id.hex())};
  return std::move(found->front());
}

Result<std::optional<JobPlace>> BuildJobTable::place_of(const wire::JobId& id) {
  const std::string key = id.bytes();
  rt::Statement& stmt = db_.prepare("SELECT build_no, fence FROM build_job WHERE job = ?1");
  const auto row = stmt.bind_blob(1, key).step();
  if (!row) return row.error();
  std::optional<JobPlace> out;
  if (*row) out = JobPlace{stmt.i64(0), stmt.u64(1)};
  stmt.reset();
  return out;
}

Result<std::vector<BuildJob>> BuildJobTable::open_ones(std::int64_t after, std::size_t limit) {
  rt::Statement& stmt =
      db_.prepare(select("WHERE j.state < 4 AND j.no > ?1 ORDER BY j.no LIMIT ?2"));
  stmt.bind(1, after).bind(2, static_cast<std::int64_t>(limit));
  return rt::read_rows(stmt, read);
}

Result<BuildJob> BuildJobTable::expect(const wire::JobAttempt& attempt,
                                       std::initializer_list<JobState> states,
                                       std::string_view doing) {
  auto job = find(attempt.job);
  if (!job) return job;
  const bool fits = std::ranges::find(states, job->state) != states.end();
  if (fits && job->fence == attempt.fence) return job;
  return Error{
      Errc::kDenied,
      fmt::format("job {} with fence {} cannot be {}: it is {}, its fence is {}", attempt.job.hex(),
                  attempt.fence, doing, to_string(job->state), job->fence)};
}

Status BuildJobTable::queue(const wire::JobAttempt& attempt) {
  const auto job = expect(attempt, {JobState::kWaiting}, "queued");
  if (!job) return job.error();
  rt::Statement& stmt = db_.prepare("UPDATE build_job SET state = ?2 WHERE no = ?1");
  return stmt.bind(1, job->no).bind(2, as_number(JobState::kQueued)).run();
}

Status BuildJobTable::lease(const wire::JobAttempt& attempt, const JobLease& lease) {
  const auto job = expect(attempt, {JobState::kQueued}, "given to a node");
  if (!job) return job.error();
  rt::Statement& find_node = db_.prepare("SELECT no FROM node WHERE id = ?1");
  const auto node = rt::read_number(find_node.bind_text(1, lease.node));
  if (!node) return node.error();
  if (*node == 0) return Error{Errc::kNotFound, fmt::format("there is no node {}", lease.node)};
  auto done = BuildAttemptTable(db_).begin(attempt, *node, rt::UnixTime{lease.leased});
  if (!done) return done;
  const std::string boot = lease.boot.bytes();
  rt::Statement& stmt = db_.prepare(
      "UPDATE build_job SET state = ?2, node_no = ?3, boot = ?4, command_id = ?5, leased_ns = ?6"
      " WHERE no = ?1");
  stmt.bind(1, job->no).bind(2, as_number(JobState::kLeased)).bind(3, *node).bind_blob(4, boot);
  if (done = stmt.bind(5, lease.command).bind(6, lease.leased).run(); !done) return done;
  rt::Statement& build = db_.prepare(
      "UPDATE build SET state = ?2, started_ns = coalesce(started_ns, ?3)"
      " WHERE no = ?1 AND state = 1");
  build.bind(1, job->build).bind(2, static_cast<std::int64_t>(BuildState::kRunning));
  return build.bind(3, lease.leased).run();
}

Result<BuildJob> BuildJobTable::give_back(const wire::JobAttempt& attempt) {
  const auto job = expect(attempt, {JobState::kLeased}, "given back");
  if (!job) return job;
  return begin_anew(*job, JobState::kQueued, job->attempt);
}

Status BuildJobTable::end(const wire::JobAttempt& attempt, BuildVerdict verdict,
                          const std::string& why, rt::UnixTime now) {
  const auto job =
      expect(attempt, {JobState::kWaiting, JobState::kQueued, JobState::kLeased}, "ended");
  if (!job) return job.error();
  rt::Statement& stmt = db_.prepare(
      "UPDATE build_job SET state = ?2, verdict = ?3, why = ?4, ended_ns = ?5 WHERE no = ?1");
  stmt.bind(1, job->no).bind(2, as_number(JobState::kEnded)).bind_text(3, to_string(verdict));
  return stmt.bind_text(4, why).bind(5, now.ns).run();
}

Result<BuildJob> BuildJobTable::retry(const wire::JobAttempt& attempt, JobState to) {
  FP_CHECK(to == JobState::kWaiting || to == JobState::kQueued);
  const auto job = expect(attempt, {JobState::kEnded}, "done again");
  if (!job) return job;
  rt::Statement& build = db_.prepare(
      "UPDATE build SET state = ?2, verdict = NULL, ended_ns = NULL WHERE no = ?1 AND state = 3");
  build.bind(1, job->build).bind(2, static_cast<std::int64_t>(BuildState::kRunning));
  if (auto done = build.run(); !done) return done.error();
  return begin_anew(*job, to, job->attempt + 1);
}

/// With nothing of the attempt before.
Result<BuildJob> BuildJobTable::begin_anew(const BuildJob& job, JobState to, std::int64_t attempt) {
  const auto fence = BuildAttemptTable(db_).next_fence(job.current());
  if (!fence) return fence.error();
  rt::Statement& stmt = db_.prepare(
      "UPDATE build_job SET state = ?2, fence = ?3, attempt = ?4, node_no = NULL, boot = NULL,"
      " command_id = NULL, leased_ns = NULL, verdict = NULL, why = '', started_ns = NULL,"
      " ended_ns = NULL, outputs = '{}', log_bytes = NULL WHERE no = ?1");
  stmt.bind(1, job.no).bind(2, as_number(to)).bind(3, *fence).bind(4, attempt);
  if (auto done = stmt.run(); !done) return done.error();
  return find(job.id);
}

Result<bool> BuildJobTable::note_started(const wire::JobAttempt& attempt, NodeNo node,
                                         const StartedFact& fact) {
  const std::string id = attempt.job.bytes();
  rt::Statement& stmt = db_.prepare(
      "UPDATE build_job SET started_ns = ?4 WHERE job = ?1 AND fence = ?2 AND node_no = ?3"
      " AND state IN (3, 4) AND started_ns IS NULL");
  stmt.bind_blob(1, id).bind(2, attempt.fence).bind(3, node).bind(4, fact.time);
  if (auto done = stmt.run(); !done) return done.error();
  return db_.changes() > 0;
}

Result<bool> BuildJobTable::note_ended(const wire::JobAttempt& attempt, NodeNo node,
                                       const EndedFact& fact) {
  const std::string id = attempt.job.bytes();
  rt::Statement& log = db_.prepare(
      "UPDATE build_job SET log_bytes = ?4 WHERE job = ?1 AND fence = ?2 AND node_no = ?3"
      " AND state IN (3, 4) AND log_bytes IS NULL");
  log.bind_blob(1, id).bind(2, attempt.fence).bind(3, node).bind(4, fact.log_bytes);
  if (auto done = log.run(); !done) return done.error();
  rt::Statement& stmt = db_.prepare(
      "UPDATE build_job SET state = 4, verdict = ?4, why = ?5, outputs = ?6, ended_ns = ?7"
      " WHERE job = ?1 AND fence = ?2 AND node_no = ?3 AND state = 3");
  stmt.bind_blob(1, id).bind(2, attempt.fence).bind(3, node);
  stmt.bind_text(4, to_string(fact.verdict)).bind_text(5, fact.why).bind_text(6, fact.outputs);
  if (auto done = stmt.bind(7, fact.time).run(); !done) return done.error();
  return db_.changes() > 0;
}

Status BuildJobTable::note_foreign(const wire::JobAttempt& attempt) {
  const std::string id = attempt.job.bytes();
  rt::Statement& stmt = db_.prepare(
      "UPDATE build_job SET fence = ?2 + 1 WHERE job = ?1 AND fence <= ?2 AND state IN (1, 2)");
  return stmt.bind_blob(1, id).bind(2, attempt.fence).run();
}

}  // namespace fieldpost::coordinator
