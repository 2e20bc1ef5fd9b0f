#include "coordinator/store/export_table.h"

#include <fmt/format.h>

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;
using rt::Status;

Result<std::vector<ExportRow>> read_all(rt::Statement& stmt) {
  std::vector<ExportRow> out;
  for (;;) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) return out;
    ExportRow found;
    found.no = stmt.i64(0);
    found.id = stmt.text(1);
    found.experiment = stmt.i64(2);
    found.request = stmt.text(3);
    found.state = static_cast<ExportState>(stmt.i64(4));
    found.created = stmt.i64(5);
    if (!stmt.is_null(6)) found.finished = stmt.i64(6);
    found.files = stmt.u64(7);
    found.readings = stmt.u64(8);
    found.bytes = stmt.u64(9);
    found.error = stmt.text(10);
    out.push_back(std::move(found));
  }
}

}  // namespace

std::string_view to_string(ExportState state) {
  switch (state) {
    case ExportState::kRunning: return "running";
    case ExportState::kDone: return "done";
    case ExportState::kFailed: return "failed";
    case ExportState::kCancelled: return "cancelled";
  }
  return "";
}

Result<std::vector<ExportRow>> ExportTable::list(std::int64_t experiment, std::int64_t after,
                                                 std::size_t limit) {
  rt::Statement& stmt = db_.prepare(
      "SELECT no, id, experiment_no, request, state, created_ns, finished_ns, files, readings,"
      " bytes, error FROM export WHERE experiment_no = ?1 AND no > ?2 ORDER BY no LIMIT ?3");
  stmt.bind(1, experiment).bind(2, after).bind(3, static_cast<std::int64_t>(limit));
  return read_all(stmt);
}

Result<ExportRow> ExportTable::find(std::int64_t experiment, const std::string& id) {
  rt::Statement& stmt = db_.prepare(
      "SELECT no, id, experiment_no, request, state, created_ns, finished_ns, files, readings,"
      " bytes, error FROM export WHERE experiment_no = ?1 AND id = ?2");
  stmt.bind(1, experiment).bind_text(2, id);
  auto found = read_all(stmt);
  if (!found) return found.error();
  if (found->empty()) {
    return Error{Errc::kNotFound, fmt::format("the experiment has no export {}", id)};
  }
  return std::move(found->front());
}

Result<std::vector<ExportRow>> ExportTable::unfinished() {
  rt::Statement& stmt = db_.prepare(
      "SELECT no, id, experiment_no, request, state, created_ns, finished_ns, files, readings,"
      " bytes, error FROM export WHERE state = ?1 ORDER BY no");
  stmt.bind(1, static_cast<std::int64_t>(ExportState::kRunning));
  return read_all(stmt);
}

Result<ExportRow> ExportTable::add(ExportRow row) {
  rt::Statement& count = db_.prepare("SELECT count(*) FROM export");
  const auto found = count.step();
  if (!found) return found.error();
  const std::int64_t all = count.i64(0);
  count.reset();
  if (all >= kExportsMax) {
    return Error{Errc::kFull, fmt::format("there are {} exports: delete some first", all)};
  }
  rt::Statement& stmt = db_.prepare(
      "INSERT INTO export (id, experiment_no, request, state, created_ns)"
      " VALUES (?1, ?2, ?3, ?4, ?5)");
  stmt.bind_text(1, row.id).bind(2, row.experiment).bind_text(3, row.request);
  stmt.bind(4, static_cast<std::int64_t>(row.state)).bind(5, row.created);
  if (auto done = stmt.run(); !done) return done.error();
  row.no = db_.last_insert_rowid();
  return row;
}

Status ExportTable::update(const ExportRow& row) {
  rt::Statement& stmt = db_.prepare(
      "UPDATE export SET state = ?2, finished_ns = ?3, files = ?4, readings = ?5, bytes = ?6,"
      " error = ?7 WHERE no = ?1");
  stmt.bind(1, row.no).bind(2, static_cast<std::int64_t>(row.state));
  if (row.finished) stmt.bind(3, *row.finished);
  stmt.bind(4, row.files).bind(5, row.readings).bind(6, row.bytes).bind_text(7, row.error);
  return stmt.run();
}

Status ExportTable::remove(const ExportRow& row) {
  rt::Statement& stmt = db_.prepare("DELETE FROM export WHERE no = ?1");
  return stmt.bind(1, row.no).run();
}

}  // namespace fieldpost::coordinator
