#include "coordinator/store/import_table.h"

#include <fmt/format.h>

#include "coordinator/store/experiment_table.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;
using rt::Status;

constexpr std::string_view kSelect =
    "SELECT no, id, request, state, created_ns, finished_ns, ordinal, batches, file, row, offset,"
    " readings, rows_bad, problems, experiment, error FROM import ";

Result<std::vector<ImportRow>> read_all(rt::Statement& stmt) {
  std::vector<ImportRow> out;
  for (;;) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) return out;
    ImportRow found;
    found.no = stmt.i64(0);
    found.id = stmt.text(1);
    found.request = stmt.text(2);
    found.state = static_cast<ImportState>(stmt.i64(3));
    found.created = stmt.i64(4);
    if (!stmt.is_null(5)) found.finished = stmt.i64(5);
    found.ordinal = stmt.u64(6);
    found.batches = stmt.u64(7);
    found.place = {stmt.u64(8), stmt.u64(9), stmt.u64(10)};
    found.readings = stmt.u64(11);
    found.rows_bad = stmt.u64(12);
    found.problems = decode_texts(stmt.text(13));
    found.experiment = stmt.text(14);
    found.error = stmt.text(15);
    out.push_back(std::move(found));
  }
}

}  // namespace

std::string_view to_string(ImportState state) {
  switch (state) {
    case ImportState::kUploading: return "uploading";
    case ImportState::kRunning: return "running";
    case ImportState::kDone: return "done";
    case ImportState::kFailed: return "failed";
  }
  return "";
}

Result<std::vector<ImportRow>> ImportTable::list(std::int64_t after, std::size_t limit) {
  rt::Statement& stmt = db_.prepare(std::string(kSelect) + "WHERE no > ?1 ORDER BY no LIMIT ?2");
  stmt.bind(1, after).bind(2, static_cast<std::int64_t>(limit));
  return read_all(stmt);
}

Result<ImportRow> ImportTable::find(const std::string& id) {
  rt::Statement& stmt = db_.prepare(std::string(kSelect) + "WHERE id = ?1");
  stmt.bind_text(1, id);
  auto found = read_all(stmt);
  if (!found) return found.error();
  if (found->empty()) return Error{Errc::kNotFound, fmt::format("there is no import {}", id)};
  return std::move(found->front());
}

Result<std::vector<ImportRow>> ImportTable::unfinished() {
  rt::Statement& stmt = db_.prepare(std::string(kSelect) + "WHERE state IN (1, 2) ORDER BY no");
  return read_all(stmt);
}

Result<ImportRow> ImportTable::add(ImportRow row) {
  rt::Statement& count = db_.prepare("SELECT count(*) FROM import");
  const auto found = count.step();
  if (!found) return found.error();
  const std::int64_t all = count.i64(0);
  count.reset();
  if (all >= kImportsMax) {
    return Error{Errc::kFull, fmt::format("there are {} imports, and no room for more", all)};
  }
  rt::Statement& stmt = db_.prepare(
      "INSERT INTO import (id, request, state, created_ns, ordinal) VALUES (?1, ?2, ?3, ?4, ?5)");
  stmt.bind_text(1, row.id).bind_text(2, row.request);
  stmt.bind(3, static_cast<std::int64_t>(row.state)).bind(4, row.created).bind(5, row.ordinal);
  if (auto done = stmt.run(); !done) return done.error();
  row.no = db_.last_insert_rowid();
  return row;
}

Status ImportTable::update(const ImportRow& row) {
  rt::Statement& stmt = db_.prepare(
      "UPDATE import SET state = ?2, finished_ns = ?3, batches = ?4, file = ?5, row = ?6,"
      " offset = ?7, readings = ?8, rows_bad = ?9, problems = ?10, experiment = ?11, error = ?12"
      " WHERE no = ?1");
  const std::string problems = encode_texts(row.problems);
  stmt.bind(1, row.no).bind(2, static_cast<std::int64_t>(row.state));
  if (row.finished) {
    stmt.bind(3, *row.finished);
  } else {
    stmt.bind_null(3);
  }
  stmt.bind(4, row.batches).bind(5, row.place.file).bind(6, row.place.row);
  stmt.bind(7, row.place.offset).bind(8, row.readings).bind(9, row.rows_bad);
  stmt.bind_text(10, problems).bind_text(11, row.experiment).bind_text(12, row.error);
  return stmt.run();
}

Result<bool> ImportTable::begin(const std::string& id, ImportState to) {
  rt::Statement& stmt = db_.prepare(
      "UPDATE import SET state = ?2, finished_ns = NULL, error = '' WHERE id = ?1"
      " AND state IN (1, 4)");
  stmt.bind_text(1, id).bind(2, static_cast<std::int64_t>(to));
  if (auto done = stmt.run(); !done) return done.error();
  return db_.changes() == 1;
}

Status ImportTable::remove(const ImportRow& row) {
  rt::Statement& stmt = db_.prepare("DELETE FROM import WHERE no = ?1");
  return stmt.bind(1, row.no).run();
}

}  // namespace fieldpost::coordinator
