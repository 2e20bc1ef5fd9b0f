#include "coordinator/store/logbook_table.h"

#include <fmt/format.h>

#include "proto/rt/rows.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;

LogEntry read(const rt::Statement& row) {
  LogEntry entry;
  entry.no = row.i64(0);
  entry.id = row.text(1);
  entry.experiment = row.i64(2);
  entry.at = row.i64(3);
  entry.written = row.i64(4);
  entry.author = row.text(5);
  entry.recording = rt::number_or_none(row, 6);
  entry.participant = rt::number_or_none(row, 7);
  entry.text = row.text(8);
  return entry;
}

Error too_many(std::int64_t entries_max) {
  return {Errc::kFull, fmt::format("a logbook has at most {} entries", entries_max)};
}

}  // namespace

Result<std::vector<LogEntry>> LogbookTable::list(std::int64_t experiment, std::int64_t after,
                                                 std::size_t limit) {
  rt::Statement& stmt = db_.prepare(
      "SELECT no, id, experiment_no, at_ns, written_ns, author, recording_no, participant_no, text"
      " FROM log_entry WHERE experiment_no = ?1 AND no > ?2 ORDER BY no LIMIT ?3");
  stmt.bind(1, experiment).bind(2, after).bind(3, static_cast<std::int64_t>(limit));
  auto entries = rt::read_rows(stmt, read);
  if (!entries) return entries;
  if (auto done = load_attachments(*entries); !done) return done.error();
  return entries;
}

rt::Status LogbookTable::load_attachments(std::vector<LogEntry>& entries) {
  if (entries.empty()) return rt::ok();
  rt::Statement& stmt = db_.prepare(
      "SELECT entry_no, hash, size, type, name FROM attachment WHERE entry_no BETWEEN ?1 AND ?2"
      " ORDER BY entry_no, position");
  stmt.bind(1, entries.front().no).bind(2, entries.back().no);
  auto entry = entries.begin();
  for (;;) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) return rt::ok();
    while (entry != entries.end() && entry->no < stmt.i64(0)) ++entry;
    if (entry == entries.end() || entry->no != stmt.i64(0)) continue;  // of another experiment
    const auto hash = wire::Sha256Digest::from_bytes(stmt.blob(1));
    if (!hash) continue;
    entry->attachments.push_back(
        {*hash, stmt.u64(2), std::string(stmt.text(3)), std::string(stmt.text(4))});
  }
}

rt::Status LogbookTable::add_attachments(const LogEntry& entry) {
  std::int64_t position = 0;
  for (const wire::BodyReference& each : entry.attachments) {
    const std::string hash = each.hash.bytes();
    rt::Statement& stmt = db_.prepare(
        "INSERT INTO attachment (entry_no, position, hash, size, type, name)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    stmt.bind(1, entry.no).bind(2, position++).bind_blob(3, hash).bind(4, each.size);
    stmt.bind_text(5, each.type).bind_text(6, each.name);
    if (auto done = stmt.run(); !done) return done;
  }
  return rt::ok();
}

Result<std::optional<LogEntry>> LogbookTable::find_same(const LogEntry& entry) {
  rt::Statement& same = db_.prepare(
      "SELECT no, id, experiment_no, at_ns, written_ns, author, recording_no, participant_no, text"
      " FROM log_entry WHERE id = ?1");
  auto found = rt::read_rows(same.bind_text(1, entry.id), read);
  if (!found) return found.error();
  if (found->empty()) return std::optional<LogEntry>();
  if (found->front().experiment == entry.experiment) {
    return std::optional<LogEntry>(std::move(found->front()));
  }
  return Error{Errc::kDenied, fmt::format("entry {} is of another experiment", entry.id)};
}

Result<std::optional<std::int64_t>> LogbookTable::experiment_of(const std::string& id) {
  rt::Statement& find = db_.prepare("SELECT experiment_no FROM log_entry WHERE id = ?1");
  const auto row = find.bind_text(1, id).step();
  if (!row) return row.error();
  if (!*row) return std::optional<std::int64_t>();
  const std::int64_t experiment = find.i64(0);
  find.reset();
  return std::optional(experiment);
}

Result<std::int64_t> LogbookTable::count_of(std::int64_t experiment) {
  rt::Statement& count = db_.prepare("SELECT count(*) FROM log_entry WHERE experiment_no = ?1");
  return rt::read_number(count.bind(1, experiment));
}

Result<LogEntry> LogbookTable::add(LogEntry entry) {
  auto same = find_same(entry);
  if (!same) return same.error();
  if (*same) {
    std::vector<LogEntry> one{**std::move(same)};
    if (auto done = load_attachments(one); !done) return done.error();
    return std::move(one.front());
  }
  const auto all = count_of(entry.experiment);
  if (!all) return all.error();
  if (*all >= entries_max_) return too_many(entries_max_);
  const auto no = insert(entry);
  if (!no) return no.error();
  entry.no = *no;
  return entry;
}

rt::Status LogbookTable::add_all(std::int64_t experiment, const std::vector<LogEntry>& entries) {
  auto all = count_of(experiment);
  if (!all) return all.error();
  for (LogEntry each : entries) {
    each.experiment = experiment;
    const auto same = find_same(each);
    if (!same) return same.error();
    if (*same) continue;
    if (*all >= entries_max_) return too_many(entries_max_);
    if (const auto no = insert(std::move(each)); !no) return no.error();
    *all += 1;
  }
  return rt::ok();
}

Result<std::int64_t> LogbookTable::insert(LogEntry entry) {
  rt::Statement& stmt = db_.prepare(
      "INSERT INTO log_entry (id, experiment_no, at_ns, written_ns, author, recording_no,"
      " participant_no, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  stmt.bind_text(1, entry.id).bind(2, entry.experiment).bind(3, entry.at).bind(4, entry.written);
  stmt.bind_text(5, entry.author).bind_text(8, entry.text);
  if (entry.recording) stmt.bind(6, *entry.recording);
  if (entry.participant) stmt.bind(7, *entry.participant);
  if (auto done = stmt.run(); !done) return done.error();
  entry.no = db_.last_insert_rowid();
  if (auto done = add_attachments(entry); !done) return done.error();
  return entry.no;
}

}  // namespace fieldpost::coordinator
