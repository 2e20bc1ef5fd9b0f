#include "coordinator/store/build_purge.h"

#include <algorithm>
#include <limits>

#include "coordinator/store/build_table.h"
#include "coordinator/store/eraser.h"
#include "coordinator/store/retention.h"
#include "proto/rt/rows.h"

namespace fieldpost::coordinator {

using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr std::int64_t kLogRowsPerStep = 256;
constexpr std::int64_t kRowsPerStep = 1024;  ///< of the rest
constexpr std::int64_t kJobsPerStep = 256;   ///< that are looked at
constexpr std::size_t kPipelinesPerStep = 64;

const BuildKeepRule* rule_of(const BuildKeepRules& rules, const std::string& pipeline) {
  const auto found = std::ranges::find_if(
      rules, [&](const BuildKeepRule& rule) { return matches_pattern(rule.pipeline, pipeline); });
  return found == rules.end() ? nullptr : &*found;
}

/// So long before; the beginning of all time where that does not exist.
std::int64_t before(rt::UnixTime now, std::int64_t age) {
  constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min();
  return now.ns < kFirst + age ? kFirst : now.ns - age;
}

}  // namespace

Result<BuildPurge::Step> BuildPurge::step(const BuildKeepRules& rules, const Moment& now) {
  const auto time = retention_time(db_, now);
  if (!time) return time.error();
  const Place place = place_;
  rt::Transaction transaction(db_);
  if (auto done = transaction.begin(); !done) return done.error();
  auto step = step_inside(rules, *time);
  const Status done = step ? transaction.commit() : Status(step.error());
  if (done) return step;
  place_ = place;
  return done.error();
}

Result<BuildPurge::Step> BuildPurge::step_inside(const BuildKeepRules& rules, rt::UnixTime now) {
  Step out;
  out.more = true;
  rt::Statement& gone = db_.prepare("SELECT job FROM build_gone LIMIT 1");
  const auto row = gone.step();
  if (!row) return row.error();
  if (*row) {
    const std::string job(gone.blob(0));
    gone.reset();
    const auto rows = let_go(job);
    if (!rows) return rows.error();
    out.rows = *rows;
    return out;
  }
  if (!place_.are_builds_done) {
    const auto names = BuildTable(db_).pipelines(place_.pipeline, kPipelinesPerStep);
    if (!names) return names.error();
    for (const std::string& name : *names) {
      const BuildKeepRule* const rule = rule_of(rules, name);
      const auto due = rule == nullptr ? Result<std::int64_t>(0) : find_due(name, *rule, now);
      if (!due) return due.error();
      if (*due != 0) {
        if (auto done = remove(*due); !done) return done.error();
        out.build = *due;
        return out;
      }
      place_.pipeline = name;
    }
    place_.are_builds_done = names->size() < kPipelinesPerStep;
    return out;
  }
  if (!place_.are_strays_done) {
    if (auto done = find_strays(now); !done) return done.error();
    return out;
  }
  place_ = {};
  out.more = false;
  return out;
}

/// A part of what is known of a job; with the last of it that it was gone.
Result<std::int64_t> BuildPurge::let_go(const std::string& job) {
  struct Part {
    const char* sql;
    std::int64_t rows_max;
  };
  constexpr Part kParts[] = {
      {"DELETE FROM build_log WHERE rowid IN"
       " (SELECT rowid FROM build_log WHERE job = ?1 LIMIT ?2)",
       kLogRowsPerStep},
      {"DELETE FROM build_fact WHERE job = ?1 AND (fence, n) IN"
       " (SELECT fence, n FROM build_fact WHERE job = ?1 LIMIT ?2)",
       kRowsPerStep},
      {"DELETE FROM build_artifact WHERE no IN"
       " (SELECT no FROM build_artifact WHERE job = ?1 LIMIT ?2)",
       kRowsPerStep},
      {"DELETE FROM build_attempt WHERE job = ?1 AND fence IN"
       " (SELECT fence FROM build_attempt WHERE job = ?1 LIMIT ?2)",
       kRowsPerStep},
  };
  std::int64_t rows = 0;
  for (const Part& part : kParts) {
    rt::Statement& stmt = db_.prepare(part.sql);
    if (auto done = stmt.bind_blob(1, job).bind(2, part.rows_max).run(); !done) return done.error();
    rows += db_.changes();
    if (db_.changes() == part.rows_max) return rows;  // there may be more
  }
  rt::Statement& end = db_.prepare("DELETE FROM build_gone WHERE job = ?1");
  if (auto done = end.bind_blob(1, job).run(); !done) return done.error();
  return rows;
}

/// 0: none.
Result<std::int64_t> BuildPurge::find_due(const std::string& pipeline, const BuildKeepRule& rule,
                                          rt::UnixTime now) {
  rt::Statement& stmt = db_.prepare(
      "SELECT no FROM build WHERE pipeline = ?1 AND state = 3"
      " AND ((?2 > 0 AND ended_ns < ?3) OR (?4 > 0 AND no <= coalesce((SELECT no FROM build"
      " WHERE pipeline = ?1 AND state = 3 ORDER BY no DESC LIMIT 1 OFFSET ?4), 0)))"
      " AND no <> coalesce((SELECT max(no) FROM build WHERE pipeline = ?1"
      " AND verdict = 'passed'), 0)"
      " AND NOT EXISTS (SELECT 1 FROM build_job j JOIN build_artifact a ON a.job = j.job"
      " WHERE j.build_no = build.no AND a.pinned <> 0) ORDER BY no LIMIT 1");
  stmt.bind_text(1, pipeline).bind(2, rule.age_max_ns).bind(3, before(now, rule.age_max_ns));
  return rt::read_number(stmt.bind(4, rule.count_max));
}

Status BuildPurge::remove(std::int64_t build) {
  for (const char* sql :
       {"INSERT OR IGNORE INTO build_gone (job) SELECT job FROM build_job WHERE build_no = ?1",
        "DELETE FROM build_job WHERE build_no = ?1", "DELETE FROM build WHERE no = ?1"}) {
    rt::Statement& stmt = db_.prepare(sql);
    if (auto done = stmt.bind(1, build).run(); !done) return done;
  }
  return ok();
}

Status BuildPurge::find_strays(rt::UnixTime now) {
  rt::Statement& stmt = db_.prepare(
      "SELECT a.job, max(a.changed_ns) < ?2"
      " AND NOT EXISTS (SELECT 1 FROM build_job j WHERE j.job = a.job)"
      " FROM build_attempt a WHERE a.job > ?1 GROUP BY a.job ORDER BY a.job LIMIT ?3");
  const std::string after = place_.job;
  stmt.bind_blob(1, after).bind(2, before(now, kStrayKeptNs)).bind(3, kJobsPerStep);
  const auto jobs = rt::read_rows(stmt, [](const rt::Statement& row) {
    return std::pair(std::string(row.blob(0)), row.i64(1) != 0);
  });
  if (!jobs) return jobs.error();
  for (const auto& [job, is_stray] : *jobs) {
    place_.job = job;
    if (!is_stray) continue;
    rt::Statement& note = db_.prepare("INSERT OR IGNORE INTO build_gone (job) VALUES (?1)");
    if (auto done = note.bind_blob(1, job).run(); !done) return done;
  }
  place_.are_strays_done = static_cast<std::int64_t>(jobs->size()) < kJobsPerStep;
  return ok();
}

}  // namespace fieldpost::coordinator
