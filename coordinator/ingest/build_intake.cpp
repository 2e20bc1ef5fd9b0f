#include "coordinator/ingest/build_intake.h"

#include <fmt/format.h>

#include <variant>

#include "coordinator/store/artifact_table.h"
#include "coordinator/store/build_fact_table.h"
#include "coordinator/store/build_job_table.h"
#include "coordinator/store/build_log_table.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

Result<BuildChange> BuildIntake::begin(const wire::JobAttempt& attempt, NodeNo node,
                                       rt::UnixTime now) {
  if (attempt.fence > kFenceMax) {
    return Error{Errc::kInvalid, fmt::format("job {}: expected a fence of at most {}, not {}",
                                             attempt.job.hex(), kFenceMax, attempt.fence)};
  }
  const auto is_new = BuildAttemptTable(db_).take(attempt, node, now);
  if (!is_new) return is_new.error();
  BuildJobTable jobs(db_);
  if (*is_new) {
    if (auto done = jobs.note_foreign(attempt); !done) return done.error();
  }
  BuildChange out;
  out.attempt = attempt;
  const auto place = jobs.place_of(attempt.job);
  if (!place) return place.error();
  if (*place) {
    out.build = (*place)->build;
    out.is_current = (*place)->fence == attempt.fence;
  }
  return out;
}

Result<BuildChange> BuildIntake::take_fact(NodeNo node, std::string_view event, rt::UnixTime now) {
  const auto fact = wire::decode_build_fact(event);
  if (!fact) return fact.error();
  const auto told = read_fact(fact->fact);
  if (!told) return told.error();
  auto out = begin(fact->attempt, node, now);
  if (!out) return out;
  out->fact_type = told->type;
  if (auto done = check_number(*fact, *told); !done) return done.error();
  const auto is_new = BuildFactTable(db_).put(*fact, now);
  if (!is_new) return is_new.error();
  if (!*is_new) return out;
  out->fact = fact->n;
  if (auto done = take_meaning(*fact, *told, node, now, *out); !done) return done.error();
  if (auto done = look_whether_told(*out); !done) return done.error();
  return out;
}

/// Numbers have an order, but not the one in which they come.
Status BuildIntake::check_number(const wire::BuildFact& fact, const ToldFact& told) {
  const auto wrong = [&](std::string_view why) {
    return Error{Errc::kInvalid, fmt::format("fact {} (\"{}\") of job {}: {}", fact.n, told.type,
                                             fact.attempt.job.hex(), why)};
  };
  if (fact.n >= kFactsMax) return wrong(fmt::format("a job has at most {}", kFactsMax));
  if (std::holds_alternative<StartedFact>(told.content) && fact.n != 0) {
    return wrong("only the first one says that it started");
  }
  const auto extent = BuildAttemptTable(db_).extent(fact.attempt);
  if (!extent) return extent.error();
  if (extent->fact_count && fact.n >= *extent->fact_count) {
    return wrong(fmt::format("the last one was {}", *extent->fact_count - 1));
  }
  if (!std::holds_alternative<EndedFact>(told.content)) return ok();
  const auto is_followed = BuildFactTable(db_).has_above(fact.attempt, fact.n);
  if (!is_followed) return is_followed.error();
  if (*is_followed) return wrong("it is not the last one");
  return ok();
}

Status BuildIntake::take_meaning(const wire::BuildFact& fact, const ToldFact& told, NodeNo node,
                                 rt::UnixTime now, BuildChange& out) {
  if (const auto* started = std::get_if<StartedFact>(&told.content)) {
    const auto changed = BuildJobTable(db_).note_started(fact.attempt, node, *started);
    if (!changed) return changed.error();
    out.has_started = *changed;
  }
  if (const auto* artifact = std::get_if<ArtifactFact>(&told.content); artifact && out.build != 0) {
    const auto row = ArtifactTable(db_).add(fact.attempt, *artifact, now);
    if (!row) return row.error();
    out.artifact = row->value_or(0);
  }
  const auto* ended = std::get_if<EndedFact>(&told.content);
  return ended == nullptr ? ok() : take_end(fact, *ended, node, out);
}

Status BuildIntake::take_end(const wire::BuildFact& fact, const EndedFact& ended, NodeNo node,
                             BuildChange& out) {
  auto done = BuildLogTable(db_).end(fact.attempt, fact.n + 1, ended.log_bytes);
  if (!done) return done;
  const auto changed = BuildJobTable(db_).note_ended(fact.attempt, node, ended);
  if (!changed) return changed.error();
  out.has_ended = *changed;
  return ok();
}

Result<BuildChange> BuildIntake::take_log(NodeNo node, std::string_view payload, rt::UnixTime now) {
  const auto piece = wire::decode_log_piece(payload);
  if (!piece) return Error{Errc::kInvalid, piece.error().message};
  auto out = begin(piece->attempt, node, now);
  if (!out) return out;
  const auto added = BuildLogTable(db_).put(*piece);
  if (!added) return added.error();
  out->log_offset = piece->offset;
  out->log_added = *added;
  if (auto done = look_whether_told(*out); !done) return done.error();
  return out;
}

Status BuildIntake::look_whether_told(BuildChange& out) {
  const auto extent = BuildAttemptTable(db_).extent(out.attempt);
  if (!extent) return extent.error();
  if (!extent->fact_count || !extent->has_whole_log()) return ok();
  const auto facts = BuildFactTable(db_).count(out.attempt);
  if (!facts) return facts.error();
  out.is_told = *facts == *extent->fact_count;
  return ok();
}

}  // namespace fieldpost::coordinator
