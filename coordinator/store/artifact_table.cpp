#include "coordinator/store/artifact_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "proto/rt/rows.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;
using enum ArtifactState;

std::string select(std::string_view rest) {
  constexpr std::string_view kSelect =
      "SELECT a.no, a.job, a.fence, a.name, a.path, a.size, a.sha256, a.state, a.command_id, "
      "a.base,"
      " a.wire_bytes, a.pinned, a.created_ns, j.build_no, b.pipeline FROM build_artifact a"
      " JOIN build_job j ON j.job = a.job JOIN build b ON b.no = j.build_no ";
  return std::string(kSelect).append(rest);
}

BuildArtifact read(const rt::Statement& row) {
  BuildArtifact out;
  out.no = row.i64(0);
  out.attempt = {wire::JobId::from_bytes(row.blob(1)), row.u64(2)};
  out.name = row.text(3);
  out.path = row.text(4);
  out.size = row.u64(5);
  out.sha256 = wire::Sha256Digest::from_bytes(row.blob(6)).value_or(wire::Sha256Digest{});
  out.state = static_cast<ArtifactState>(row.i64(7));
  if (!row.is_null(8)) out.command = row.u64(8);
  if (!row.is_null(9)) out.base = wire::Sha256Digest::from_bytes(row.blob(9));
  out.wire_bytes = row.u64(10);
  out.pins = static_cast<std::uint8_t>(row.i64(11));
  out.created = row.i64(12);
  out.build = row.i64(13);
  out.pipeline = row.text(14);
  return out;
}

}  // namespace

std::string_view to_string(ArtifactState state) {
  switch (state) {
    case kKnown: return "known";
    case kAsked: return "asked";
    case kHere: return "here";
    case kGone: return "gone";
  }
  return "";
}

Result<std::optional<std::int64_t>> ArtifactTable::add(const wire::JobAttempt& attempt,
                                                       const ArtifactFact& fact, rt::UnixTime now) {
  const std::string job = attempt.job.bytes();
  const std::string hash = fact.sha256.bytes();
  rt::Statement& known = db_.prepare(
      "SELECT path = ?4 AND size = ?5 AND sha256 = ?6 FROM build_artifact"
      " WHERE job = ?1 AND fence = ?2 AND name = ?3");
  known.bind_blob(1, job).bind(2, attempt.fence).bind_text(3, fact.name);
  const auto row = known.bind_text(4, fact.path).bind(5, fact.size).bind_blob(6, hash).step();
  if (!row) return row.error();
  if (*row) {
    const bool is_same = known.i64(0) != 0;
    known.reset();
    if (is_same) return std::optional<std::int64_t>{};
    return Error{Errc::kInvalid,
                 fmt::format("job {} told of two artifacts \"{}\"", attempt.job.hex(), fact.name)};
  }
  rt::Statement& stmt = db_.prepare(
      "INSERT INTO build_artifact (job, fence, name, path, size, sha256, state, created_ns)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  stmt.bind_blob(1, job).bind(2, attempt.fence).bind_text(3, fact.name).bind_text(4, fact.path);
  stmt.bind(5, fact.size).bind_blob(6, hash).bind(7, static_cast<std::int64_t>(kKnown));
  if (auto done = stmt.bind(8, now.ns).run(); !done) return done.error();
  return std::optional<std::int64_t>(db_.last_insert_rowid());
}

Result<std::vector<BuildArtifact>> ArtifactTable::list(const ArtifactFilter& filter,
                                                       std::int64_t after, std::size_t limit) {
  std::string where = "WHERE a.no > ?1";
  if (filter.build != 0) where += " AND j.build_no = ?3";
  if (!filter.pipeline.empty()) where += " AND b.pipeline = ?4";
  if (!filter.name.empty()) where += " AND a.name = ?5";
  if (filter.state) where += " AND a.state = ?6";
  rt::Statement& stmt = db_.prepare(select(where + " ORDER BY a.no LIMIT ?2"));
  stmt.bind(1, after).bind(2, static_cast<std::int64_t>(limit));
  if (filter.build != 0) stmt.bind(3, filter.build);
  if (!filter.pipeline.empty()) stmt.bind_text(4, filter.pipeline);
  if (!filter.name.empty()) stmt.bind_text(5, filter.name);
  if (filter.state) stmt.bind(6, static_cast<std::int64_t>(*filter.state));
  return rt::read_rows(stmt, read);
}

Result<BuildArtifact> ArtifactTable::find(std::int64_t no) {
  rt::Statement& stmt = db_.prepare(select("WHERE a.no = ?1"));
  auto found = rt::read_rows(stmt.bind(1, no), read);
  if (!found) return found.error();
  if (found->empty()) return Error{Errc::kNotFound, fmt::format("there is no artifact {}", no)};
  return std::move(found->front());
}

Result<BuildArtifact> ArtifactTable::find(const wire::JobAttempt& attempt,
                                          const std::string& name) {
  const std::string job = attempt.job.bytes();
  rt::Statement& stmt = db_.prepare(select("WHERE a.job = ?1 AND a.fence = ?2 AND a.name = ?3"));
  stmt.bind_blob(1, job).bind(2, attempt.fence).bind_text(3, name);
  auto found = rt::read_rows(stmt, read);
  if (!found) return found.error();
  if (found->empty()) {
    return Error{Errc::kNotFound, fmt::format("job {} with fence {} told of no artifact \"{}\"",
                                              attempt.job.hex(), attempt.fence, name)};
  }
  return std::move(found->front());
}

Result<bool> ArtifactTable::is_wanted(const wire::Sha256Digest& sha256) {
  const std::string hash = sha256.bytes();
  rt::Statement& stmt =
      db_.prepare("SELECT 1 FROM build_artifact WHERE sha256 = ?1 AND state IN (2, 3) LIMIT 1");
  const auto found = rt::read_number(stmt.bind_blob(1, hash));
  if (!found) return found.error();
  return *found != 0;
}

Status ArtifactTable::expect(const BuildArtifact& artifact,
                             std::initializer_list<ArtifactState> states, std::string_view doing) {
  if (std::ranges::find(states, artifact.state) != states.end()) return ok();
  return Error{Errc::kDenied,
               fmt::format("artifact \"{}\" of build {} cannot be {}: it is {}", artifact.name,
                           artifact.build, doing, to_string(artifact.state))};
}

Status ArtifactTable::set_asked(std::int64_t no, std::uint64_t command,
                                const std::optional<wire::Sha256Digest>& base) {
  const auto artifact = find(no);
  if (!artifact) return artifact.error();
  if (auto done = expect(*artifact, {kKnown, kAsked}, "asked for"); !done) return done;
  const std::string hash = base ? base->bytes() : std::string();
  rt::Statement& stmt =
      db_.prepare("UPDATE build_artifact SET state = ?2, command_id = ?3, base = ?4 WHERE no = ?1");
  stmt.bind(1, no).bind(2, static_cast<std::int64_t>(kAsked)).bind(3, command);
  return (base ? stmt.bind_blob(4, hash) : stmt.bind_null(4)).run();
}

Status ArtifactTable::set_known(std::int64_t no) {
  const auto artifact = find(no);
  if (!artifact) return artifact.error();
  if (auto done = expect(*artifact, {kAsked}, "asked for again"); !done) return done;
  rt::Statement& stmt = db_.prepare("UPDATE build_artifact SET state = ?2 WHERE no = ?1");
  return stmt.bind(1, no).bind(2, static_cast<std::int64_t>(kKnown)).run();
}

Status ArtifactTable::set_here(std::int64_t no, std::uint64_t wire_bytes) {
  const auto artifact = find(no);
  if (!artifact) return artifact.error();
  if (auto done = expect(*artifact, {kKnown, kAsked}, "stored"); !done) return done;
  rt::Statement& stmt =
      db_.prepare("UPDATE build_artifact SET state = ?2, wire_bytes = ?3 WHERE no = ?1");
  return stmt.bind(1, no).bind(2, static_cast<std::int64_t>(kHere)).bind(3, wire_bytes).run();
}

Status ArtifactTable::set_gone(std::int64_t no) {
  const auto artifact = find(no);
  if (!artifact) return artifact.error();
  if (auto done = expect(*artifact, {kKnown, kAsked, kHere}, "given up"); !done) return done;
  if (artifact->pins != 0) {
    return Error{Errc::kDenied, fmt::format("artifact \"{}\" of build {} is pinned", artifact->name,
                                            artifact->build)};
  }
  rt::Statement& stmt = db_.prepare("UPDATE build_artifact SET state = ?2 WHERE no = ?1");
  return stmt.bind(1, no).bind(2, static_cast<std::int64_t>(kGone)).run();
}

Status ArtifactTable::set_pins(std::int64_t no, std::uint8_t pins) {
  const auto artifact = find(no);
  if (!artifact) return artifact.error();
  if (auto done = expect(*artifact, {kKnown, kAsked, kHere}, "pinned"); !done) return done;
  rt::Statement& stmt = db_.prepare("UPDATE build_artifact SET pinned = ?2 WHERE no = ?1");
  return stmt.bind(1, no).bind(2, int{pins}).run();
}

}  // namespace fieldpost::coordinator
