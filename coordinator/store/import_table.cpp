#include "coordinator/store/import_table.h"

#include <fmt/format.h>

#include "coordinator/store/experiment_table.h"
#include "proto/rt/rows.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;
using rt::Status;

constexpr std::string_view kSelect =
    "SELECT no, id, request, state, created_ns, finished_ns, ordinal, batches, file, row, offset,"
    " readings, rows_bad, problems, experiment, error FROM import ";

ImportRow read(const rt::Statement& row) {
  ImportRow found;
  found.no = row.i64(0);
  found.id = row.text(1);
  found.request = row.text(2);
  found.state = static_cast<ImportState>(row.i64(3));
  found.created = row.i64(4);
  found.finished = rt::number_or_none(row, 5);
  found.ordinal = row.u64(6);
  found.batches = row.u64(7);
  found.place = {row.u64(8), row.u64(9), row.u64(10)};
  found.readings = row.u64(11);
  found.rows_bad = row.u64(12);
  found.problems = decode_texts(row.text(13));
  found.experiment = row.text(14);
  found.error = row.text(15);
  return found;
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
  return rt::read_rows(stmt, read);
}

Result<ImportRow> ImportTable::find(const std::string& id) {
  rt::Statement& stmt = db_.prepare(std::string(kSelect) + "WHERE id = ?1");
  stmt.bind_text(1, id);
  auto found = rt::read_rows(stmt, read);
  if (!found) return found.error();
  if (found->empty()) return Error{Errc::kNotFound, fmt::format("there is no import {}", id)};
  return std::move(found->front());
}

Result<std::vector<ImportRow>> ImportTable::unfinished() {
  rt::Statement& stmt = db_.prepare(std::string(kSelect) + "WHERE state IN (1, 2) ORDER BY no");
  return rt::read_rows(stmt, read);
}

Result<ImportRow> ImportTable::add(ImportRow row) {
  rt::Statement& count = db_.prepare("SELECT count(*) FROM import");
  const auto all = rt::read_number(count);
  if (!all) return all.error();
  if (*all >= kImportsMax) {
    return Error{Errc::kFull, fmt::format("there are {} imports, and no room for more", *all)};
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
  rt::bind_or_null(stmt, 3, row.finished);
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
