#include "coordinator/store/recording_table.h"

#include <fmt/format.h>

#include "coordinator/store/experiment_table.h"
#include "proto/rt/rows.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;
using rt::Status;

std::string select(std::string_view rest) {
  constexpr std::string_view kSelect =
      "SELECT no, id, experiment_no, participant_no, task_no, operator_no, nodes, started_ns,"
      " stopped_ns, started_by, stopped_by, pressed_on FROM recording ";
  return std::string(kSelect).append(rest);
}

Recording read(const rt::Statement& row) {
  Recording out;
  out.no = row.i64(0);
  out.id = row.text(1);
  out.experiment = row.i64(2);
  out.participant = rt::number_or_none(row, 3);
  out.task = rt::number_or_none(row, 4);
  out.member_operator = rt::number_or_none(row, 5);
  out.nodes = decode_texts(row.text(6));
  out.started = row.i64(7);
  out.stopped = rt::number_or_none(row, 8);
  out.started_by = row.text(9);
  out.stopped_by = row.text(10);
  out.pressed_on = row.i64(11);
  return out;
}

Error too_many() {
  return {Errc::kFull, fmt::format("at most {} recordings of an experiment, and {} open ones",
                                   kRecordingsMax, kRecordingsOpenMax)};
}

}  // namespace

Result<std::vector<Recording>> RecordingTable::list(std::int64_t experiment, std::int64_t after,
                                                    std::size_t limit) {
  rt::Statement& stmt =
      db_.prepare(select("WHERE experiment_no = ?1 AND no > ?2 ORDER BY no LIMIT ?3"));
  stmt.bind(1, experiment).bind(2, after).bind(3, static_cast<std::int64_t>(limit));
  return rt::read_rows(stmt, read);
}

Result<std::vector<Recording>> RecordingTable::all(std::int64_t experiment) {
  rt::Statement& stmt = db_.prepare(select("WHERE experiment_no = ?1 ORDER BY started_ns, no"));
  stmt.bind(1, experiment);
  return rt::read_rows(stmt, read);
}

Result<std::vector<Recording>> RecordingTable::open_ones(std::int64_t experiment) {
  rt::Statement& stmt = db_.prepare(
      select("WHERE stopped_ns IS NULL AND (?1 = 0 OR experiment_no = ?1) ORDER BY no"));
  stmt.bind(1, experiment);
  return rt::read_rows(stmt, read);
}

Result<bool> RecordingTable::has_any(std::int64_t experiment) {
  const auto found = list(experiment, 0, 1);
  if (!found) return found.error();
  return !found->empty();
}

Result<Recording> RecordingTable::find(std::int64_t experiment, const std::string& id) {
  rt::Statement& stmt = db_.prepare(select("WHERE id = ?1 AND experiment_no = ?2"));
  stmt.bind_text(1, id).bind(2, experiment);
  auto found = rt::read_rows(stmt, read);
  if (!found) return found.error();
  if (found->empty()) {
    return Error{Errc::kNotFound, fmt::format("the experiment has no recording {}", id)};
  }
  return std::move(found->front());
}

Result<Recording> RecordingTable::find(std::int64_t no) {
  rt::Statement& stmt = db_.prepare(select("WHERE no = ?1"));
  auto found = rt::read_rows(stmt.bind(1, no), read);
  if (!found) return found.error();
  if (found->empty()) return Error{Errc::kNotFound, fmt::format("no recording {}", no)};
  return std::move(found->front());
}

Result<bool> RecordingTable::has(const std::string& id) {
  rt::Statement& stmt = db_.prepare("SELECT count(*) FROM recording WHERE id = ?1");
  const auto found = rt::read_number(stmt.bind_text(1, id));
  if (!found) return found.error();
  return *found > 0;
}

Result<std::vector<Recording>> RecordingTable::pressed_on(std::int64_t series, std::int64_t from) {
  rt::Statement& stmt = db_.prepare(
      select("WHERE pressed_on = ?1 AND pressed_on != 0 AND started_ns >= ?2 ORDER BY started_ns"));
  stmt.bind(1, series).bind(2, from);
  return rt::read_rows(stmt, read);
}

Result<std::int64_t> RecordingTable::last_pressed(std::int64_t series, std::int64_t by) {
  rt::Statement& stmt = db_.prepare(
      "SELECT coalesce(max(started_ns), ?3) FROM recording"
      " WHERE pressed_on = ?1 AND pressed_on != 0 AND started_ns <= ?2");
  stmt.bind(1, series).bind(2, by).bind(3, std::int64_t{INT64_MIN});
  return rt::read_number(stmt);
}

Result<std::int64_t> RecordingTable::count_of(std::int64_t experiment) {
  rt::Statement& total = db_.prepare("SELECT count(*) FROM recording WHERE experiment_no = ?1");
  return rt::read_number(total.bind(1, experiment));
}

Result<std::int64_t> RecordingTable::count_open() {
  return rt::read_number(db_.prepare("SELECT count(*) FROM recording WHERE stopped_ns IS NULL"));
}

Result<Recording> RecordingTable::add(Recording recording) {
  const auto all = count_of(recording.experiment);
  if (!all) return all.error();
  const auto open = count_open();
  if (!open) return open.error();
  return add(std::move(recording), *all, *open);
}

Result<Recording> RecordingTable::add(Recording recording, std::int64_t count,
                                      std::int64_t count_open) {
  if (count >= kRecordingsMax || (!recording.stopped && count_open >= kRecordingsOpenMax)) {
    return too_many();
  }
  const auto no = insert(recording);
  if (!no) return no.error();
  recording.no = *no;
  return recording;
}

Status RecordingTable::add_all(std::int64_t experiment, const std::vector<Recording>& recordings) {
  const auto all = count_of(experiment);
  if (!all) return all.error();
  if (*all + static_cast<std::int64_t>(recordings.size()) > kRecordingsMax) return too_many();
  for (Recording each : recordings) {
    each.experiment = experiment;
    const auto taken = has(each.id);
    if (!taken) return taken.error();
    if (*taken) return Error{Errc::kDenied, fmt::format("a recording {} exists", each.id)};
    if (const auto no = insert(each); !no) return no.error();
  }
  return rt::ok();
}

Result<std::int64_t> RecordingTable::insert(const Recording& recording) {
  rt::Statement& stmt = db_.prepare(
      "INSERT INTO recording (id, experiment_no, participant_no, task_no, operator_no, nodes,"
      " started_ns, stopped_ns, started_by, stopped_by, pressed_on)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
  stmt.bind_text(1, recording.id).bind(2, recording.experiment);
  rt::bind_or_null(stmt, 3, recording.participant);
  rt::bind_or_null(stmt, 4, recording.task);
  rt::bind_or_null(stmt, 5, recording.member_operator);
  stmt.bind_text(6, encode_texts(recording.nodes)).bind(7, recording.started);
  rt::bind_or_null(stmt, 8, recording.stopped);
  stmt.bind_text(9, recording.started_by).bind_text(10, recording.stopped_by);
  if (auto done = stmt.bind(11, recording.pressed_on).run(); !done) return done.error();
  return db_.last_insert_rowid();
}

Status RecordingTable::update(const Recording& recording) {
  rt::Statement& stmt = db_.prepare(
      "UPDATE recording SET participant_no = ?2, task_no = ?3, operator_no = ?4, stopped_ns = ?5,"
      " stopped_by = ?6 WHERE no = ?1");
  stmt.bind(1, recording.no);
  rt::bind_or_null(stmt, 2, recording.participant);
  rt::bind_or_null(stmt, 3, recording.task);
  rt::bind_or_null(stmt, 4, recording.member_operator);
  rt::bind_or_null(stmt, 5, recording.stopped);
  return stmt.bind_text(6, recording.stopped_by).run();
}

Status RecordingTable::remove(const Recording& recording) {
  rt::Statement& entries =
      db_.prepare("UPDATE log_entry SET recording_no = NULL WHERE recording_no = ?1");
  if (auto done = entries.bind(1, recording.no).run(); !done) return done;
  rt::Statement& stmt = db_.prepare("DELETE FROM recording WHERE no = ?1");
  return stmt.bind(1, recording.no).run();
}

Status RecordingTable::mark_progress(const ProgressMark& mark) {
  rt::Statement& stmt = db_.prepare(
      "INSERT OR REPLACE INTO progress_mark (participant_no, task_no, state, note, at_ns)"
      " VALUES (?1, ?2, ?3, ?4, ?5)");
  stmt.bind(1, mark.participant).bind(2, mark.task).bind(3, static_cast<std::int64_t>(mark.state));
  return stmt.bind_text(4, mark.note).bind(5, mark.at).run();
}

Result<std::vector<ProgressMark>> RecordingTable::marks(std::int64_t experiment) {
  rt::Statement& stmt = db_.prepare(
      "SELECT participant_no, task_no, state, note, at_ns FROM progress_mark JOIN member"
      " ON no = participant_no WHERE experiment_no = ?1 ORDER BY participant_no, task_no");
  stmt.bind(1, experiment);
  return rt::read_rows(stmt, [](const rt::Statement& row) {
    return ProgressMark{row.i64(0), row.i64(1), static_cast<ProgressState>(row.i64(2)),
                        std::string(row.text(3)), row.i64(4)};
  });
}

}  // namespace fieldpost::coordinator
