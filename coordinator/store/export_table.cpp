#include "coordinator/store/export_table.h"

#include <fmt/format.h>

#include "proto/rt/rows.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;
using rt::Status;

std::string select(std::string_view rest) {
  constexpr std::string_view kSelect =
      "SELECT no, id, experiment_no, request, state, created_ns, finished_ns, files, readings,"
      " bytes, error FROM export ";
  return std::string(kSelect).append(rest);
}

ExportRow read(const rt::Statement& row) {
  ExportRow found;
  found.no = row.i64(0);
  found.id = row.text(1);
  found.experiment = row.i64(2);
  found.request = row.text(3);
  found.state = static_cast<ExportState>(row.i64(4));
  found.created = row.i64(5);
  found.finished = rt::number_or_none(row, 6);
  found.files = row.u64(7);
  found.readings = row.u64(8);
  found.bytes = row.u64(9);
  found.error = row.text(10);
  return found;
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
  rt::Statement& stmt =
      db_.prepare(select("WHERE experiment_no = ?1 AND no > ?2 ORDER BY no LIMIT ?3"));
  stmt.bind(1, experiment).bind(2, after).bind(3, static_cast<std::int64_t>(limit));
  return rt::read_rows(stmt, read);
}

Result<ExportRow> ExportTable::find(std::int64_t experiment, const std::string& id) {
  rt::Statement& stmt = db_.prepare(select("WHERE experiment_no = ?1 AND id = ?2"));
  stmt.bind(1, experiment).bind_text(2, id);
  auto found = rt::read_rows(stmt, read);
  if (!found) return found.error();
  if (found->empty()) {
    return Error{Errc::kNotFound, fmt::format("the experiment has no export {}", id)};
  }
  return std::move(found->front());
}

Result<std::vector<ExportRow>> ExportTable::unfinished() {
  rt::Statement& stmt = db_.prepare(select("WHERE state = ?1 ORDER BY no"));
  stmt.bind(1, static_cast<std::int64_t>(ExportState::kRunning));
  return rt::read_rows(stmt, read);
}

Result<ExportRow> ExportTable::add(ExportRow row) {
  rt::Statement& count = db_.prepare("SELECT count(*) FROM export");
  const auto all = rt::read_number(count);
  if (!all) return all.error();
  if (*all >= kExportsMax) {
    return Error{Errc::kFull, fmt::format("there are {} exports: delete some first", *all)};
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
