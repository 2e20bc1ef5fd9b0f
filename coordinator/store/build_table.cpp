#include "coordinator/store/build_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "coordinator/store/build_job_table.h"
#include "proto/rt/rows.h"
#include "proto/wire/limits.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

std::string select(std::string_view rest) {
  constexpr std::string_view kSelect =
      "SELECT no, pipeline, ref, commit_id, actor, priority, concurrency, mode, created_ns, state,"
      " verdict, started_ns, ended_ns FROM build ";
  return std::string(kSelect).append(rest);
}

/// All but the long texts.
Build read(const rt::Statement& row) {
  Build out;
  out.no = row.i64(0);
  out.pipeline = row.text(1);
  out.ref = row.text(2);
  out.commit = row.text(3);
  out.actor = row.text(4);
  out.priority = row.i64(5);
  out.concurrency = row.text(6);
  out.mode = row.text(7);
  out.created = row.i64(8);
  out.state = static_cast<BuildState>(row.i64(9));
  if (!row.is_null(10)) out.verdict = parse_build_verdict(row.text(10));
  out.started = rt::number_or_none(row, 11);
  out.ended = rt::number_or_none(row, 12);
  return out;
}

Error wrong(std::string_view what) {
  return {Errc::kInvalid, fmt::format("a build: {}", what)};
}

Status check_texts(const Build& build) {
  for (const std::string* name : {&build.pipeline, &build.ref, &build.commit, &build.actor,
                                  &build.concurrency, &build.mode}) {
    if (name->size() > kBuildNameBytesMax) {
      return wrong(
          fmt::format("\"{}...\" has more than {} bytes", name->substr(0, 40), kBuildNameBytesMax));
    }
  }
  if (build.pipeline.empty()) return wrong("it is of no pipeline");
  for (const std::string* text : {&build.trigger, &build.source, &build.plan}) {
    if (text->size() > kBuildTextBytesMax) {
      return wrong(
          fmt::format("trigger, source and plan have at most {} bytes each", kBuildTextBytesMax));
    }
  }
  return ok();
}

Status check_job(const BuildJob& job) {
  const auto fits = [](const std::string& text) { return text.size() <= kBuildNameBytesMax; };
  const auto list_fits = [&](const std::vector<std::string>& texts) {
    return texts.size() <= kJobListMax && std::ranges::all_of(texts, fits);
  };
  if (job.id.is_zero() || job.key.empty()) return wrong("a job without an id or a key");
  const bool all_fit =
      fits(job.key) && fits(job.name) && list_fits(job.labels) && list_fits(job.needs);
  if (!all_fit) {
    return wrong(fmt::format("job \"{}\": at most {} bytes in a name, {} in a list",
                             job.key.substr(0, 40), kBuildNameBytesMax, kJobListMax));
  }
  if (job.spec.size() > wire::kJobSpecBytesMax) {
    return wrong(fmt::format("the spec of job \"{}\" has {} bytes, at most {} can be sent", job.key,
                             job.spec.size(), wire::kJobSpecBytesMax));
  }
  const bool begins = job.state == JobState::kWaiting || job.state == JobState::kQueued;
  if (!begins) return wrong(fmt::format("job \"{}\" neither waits nor is queued", job.key));
  if (job.fence == 0 || job.fence > kFenceMax) {
    return wrong(fmt::format("job \"{}\": expected a fence from 1 to {}", job.key, kFenceMax));
  }
  return ok();
}

Status check_jobs(const std::vector<BuildJob>& jobs) {
  if (jobs.empty()) return wrong("it has no job");
  if (jobs.size() > kBuildJobsMax) {
    return Error{Errc::kFull,
                 fmt::format("a build has at most {} jobs, not {}", kBuildJobsMax, jobs.size())};
  }
  std::set<std::string_view> keys;
  for (const BuildJob& job : jobs) {
    if (auto done = check_job(job); !done) return done;
    if (!keys.insert(job.key).second) return wrong(fmt::format("two jobs \"{}\"", job.key));
  }
  for (const BuildJob& job : jobs) {
    for (const std::string& need : job.needs) {
      if (keys.contains(need)) continue;
      return wrong(fmt::format("job \"{}\" needs \"{}\", which is no job of it", job.key, need));
    }
  }
  return ok();
}

}  // namespace

Result<Build> BuildTable::create(Build build, std::vector<BuildJob> jobs) {
  if (auto done = check_texts(build); !done) return done.error();
  if (auto done = check_jobs(jobs); !done) return done.error();
  const auto open = count_open();
  if (!open) return open.error();
  if (*open >= static_cast<std::int64_t>(kBuildsOpenMax)) {
    return Error{Errc::kFull, fmt::format("at most {} builds wait or run", kBuildsOpenMax)};
  }
  rt::Savepoint part(db_);
  if (auto done = part.begin(); !done) return done.error();
  build.state = BuildState::kQueued;
  const auto no = insert(build);
  if (!no) return no.error();
  build.no = *no;
  BuildJobTable table(db_);
  for (std::size_t place = 0; place < jobs.size(); ++place) {
    jobs[place].build = build.no;
    jobs[place].place = static_cast<std::int64_t>(place);
    if (auto done = table.add(jobs[place]); !done) return done.error();
  }
  if (auto done = part.keep(); !done) return done.error();
  return build;
}

Result<std::int64_t> BuildTable::insert(const Build& build) {
  rt::Statement& stmt = db_.prepare(
      "INSERT INTO build (pipeline, ref, commit_id, actor, priority, concurrency, mode, created_ns,"
      " state, trigger, source, plan) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
  stmt.bind_text(1, build.pipeline).bind_text(2, build.ref).bind_text(3, build.commit);
  stmt.bind_text(4, build.actor).bind(5, build.priority).bind_text(6, build.concurrency);
  stmt.bind_text(7, build.mode).bind(8, build.created);
  stmt.bind(9, static_cast<std::int64_t>(build.state)).bind_text(10, build.trigger);
  stmt.bind_text(11, build.source).bind_text(12, build.plan);
  if (auto done = stmt.run(); !done) return done.error();
  return db_.last_insert_rowid();
}

Result<std::vector<Build>> BuildTable::list(const BuildFilter& filter, std::int64_t before,
                                            std::size_t limit) {
  std::string where = "WHERE no < ?1";
  if (!filter.pipeline.empty()) where += " AND pipeline = ?3";
  if (filter.state) where += " AND state = ?4";
  // What is open is few, and has an index of its own.
  if (filter.state && *filter.state != BuildState::kEnded) where += " AND state < 3";
  if (filter.verdict) where += " AND verdict = ?5";
  rt::Statement& stmt = db_.prepare(select(where + " ORDER BY no DESC LIMIT ?2"));
  stmt.bind(1, before == 0 ? std::numeric_limits<std::int64_t>::max() : before);
  stmt.bind(2, static_cast<std::int64_t>(limit));
  if (!filter.pipeline.empty()) stmt.bind_text(3, filter.pipeline);
  if (filter.state) stmt.bind(4, static_cast<std::int64_t>(*filter.state));
  if (filter.verdict) stmt.bind_text(5, to_string(*filter.verdict));
  return rt::read_rows(stmt, read);
}

Result<std::vector<Build>> BuildTable::open_ones(std::int64_t after, std::size_t limit) {
  rt::Statement& stmt = db_.prepare(select("WHERE state < 3 AND no > ?1 ORDER BY no LIMIT ?2"));
  stmt.bind(1, after).bind(2, static_cast<std::int64_t>(limit));
  return rt::read_rows(stmt, read);
}

Result<std::int64_t> BuildTable::count_open() {
  return rt::read_number(db_.prepare("SELECT count(*) FROM build WHERE state < 3"));
}

Result<Build> BuildTable::find(std::int64_t no) {
  rt::Statement& stmt = db_.prepare(
      "SELECT no, pipeline, ref, commit_id, actor, priority, concurrency, mode, created_ns, state,"
      " verdict, started_ns, ended_ns, trigger, source, plan FROM build WHERE no = ?1");
  auto found = rt::read_rows(stmt.bind(1, no), [](const rt::Statement& row) {
    Build out = read(row);
    out.trigger = row.text(13);
    out.source = row.text(14);
    out.plan = row.text(15);
    return out;
  });
  if (!found) return found.error();
  if (found->empty()) return Error{Errc::kNotFound, fmt::format("there is no build {}", no)};
  return std::move(found->front());
}

Result<std::optional<Build>> BuildTable::latest(const std::string& pipeline) {
  return find_newest(pipeline, false);
}

Result<std::optional<Build>> BuildTable::current(const std::string& pipeline) {
  return find_newest(pipeline, true);
}

Result<std::optional<Build>> BuildTable::find_newest(const std::string& pipeline,
                                                     bool only_passed) {
  BuildFilter filter{pipeline, {}, {}};
  if (only_passed) filter.verdict = BuildVerdict::kPassed;
  auto found = list(filter, 0, 1);
  if (!found) return found.error();
  if (found->empty()) return std::optional<Build>{};
  return std::optional<Build>(std::move(found->front()));
}

Result<std::vector<std::string>> BuildTable::pipelines(const std::string& after,
                                                       std::size_t limit) {
  rt::Statement& next =
      db_.prepare("SELECT pipeline FROM build WHERE pipeline > ?1 ORDER BY pipeline LIMIT 1");
  std::vector<std::string> out;
  while (out.size() < limit) {
    next.bind_text(1, out.empty() ? after : out.back());
    const auto row = next.step();
    if (!row) return row.error();
    if (!*row) break;
    out.emplace_back(next.text(0));
    next.reset();
  }
  return out;
}

Status BuildTable::end(std::int64_t no, BuildVerdict verdict, rt::UnixTime now) {
  const auto build = find(no);
  if (!build) return build.error();
  if (build->state == BuildState::kEnded) {
    return Error{Errc::kDenied, fmt::format("build {} has ended already", no)};
  }
  rt::Statement& open =
      db_.prepare("SELECT count(*) FROM build_job WHERE build_no = ?1 AND state < 4");
  const auto left = rt::read_number(open.bind(1, no));
  if (!left) return left.error();
  if (*left > 0) {
    return Error{Errc::kDenied, fmt::format("{} jobs of build {} have not ended", *left, no)};
  }
  rt::Statement& stmt =
      db_.prepare("UPDATE build SET state = ?2, verdict = ?3, ended_ns = ?4 WHERE no = ?1");
  stmt.bind(1, no).bind(2, static_cast<std::int64_t>(BuildState::kEnded));
  return stmt.bind_text(3, to_string(verdict)).bind(4, now.ns).run();
}

}  // namespace fieldpost::coordinator
