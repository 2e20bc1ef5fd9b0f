// Fragments of bodies as they come.
#include "coordinator/store/body_store.h"

#include "coordinator/store/gap_table.h"
#include "proto/wire/limits.h"

namespace fieldpost::coordinator {

using rt::ok;
using rt::Result;
using rt::Status;

Result<bool> BodyStore::take(NodeNo node, const wire::Fragment& fragment, rt::UnixTime now,
                             std::vector<std::int64_t>& gaps) {
  const auto stored = is_blob(fragment.body);
  if (!stored || *stored) return stored;
  auto body = find(node, fragment);
  if (body && !*body) body = begin(node, fragment, now, gaps);
  if (!body) return body.error();
  if (!*body) return false;
  if (auto done = put(**body, fragment, now); !done) return done.error();
  return true;
}

Result<bool> BodyStore::is_blob(const wire::Sha256Digest& hash) {
  const std::string key = hash.bytes();
  rt::Statement& get = db_.prepare("SELECT 1 FROM blob WHERE hash = ?1 AND missing = 0");
  get.bind_blob(1, key);
  const auto row = get.step();
  get.reset();
  return row;
}

Result<std::optional<std::int64_t>> BodyStore::find(NodeNo node, const wire::Fragment& fragment) {
  const std::string hash = fragment.body.bytes();
  rt::Statement& get =
      db_.prepare("SELECT no FROM body WHERE node_no = ?1 AND hash = ?2 AND size = ?3");
  get.bind(1, node).bind_blob(2, hash).bind(3, fragment.size);
  const auto row = get.step();
  if (!row) return row.error();
  std::optional<std::int64_t> no;
  if (*row) no = get.i64(0);
  get.reset();
  return no;
}

Result<std::optional<std::int64_t>> BodyStore::begin(NodeNo node, const wire::Fragment& fragment,
                                                     rt::UnixTime now,
                                                     std::vector<std::int64_t>& gaps) {
  const auto backlog = has_backlog();
  if (!backlog) return backlog.error();
  if (*backlog) return std::optional<std::int64_t>{};
  // A body of one fragment is whole at once: it takes no place among those that are begun.
  if (wire::fragment_count(fragment.size) > 1) {
    const auto room = make_room(fragment.size, now, gaps);
    if (!room) return room.error();
    if (!*room) return std::optional<std::int64_t>{};
  }
  const std::string hash = fragment.body.bytes();
  rt::Statement& add = db_.prepare(
      "INSERT INTO body (node_no, hash, size, type, fragments, whole, changed_ns)"
      " VALUES (?1, ?2, ?3, ?4, 0, 0, ?5)");
  add.bind(1, node).bind_blob(2, hash).bind(3, fragment.size).bind_text(4, fragment.type);
  add.bind(5, now.ns);
  if (auto done = add.run(); !done) return done.error();
  return std::optional<std::int64_t>{db_.last_insert_rowid()};
}

/// More are whole than become files: whoever brings more waits.
Result<bool> BodyStore::has_backlog() {
  rt::Statement& find = db_.prepare("SELECT 1 FROM body WHERE whole = 1 LIMIT 1 OFFSET ?1");
  const auto row = find.bind(1, limits_.whole_max - 1).step();
  find.reset();
  return row;
}

Status BodyStore::count_begun() {
  if (begun_) return ok();
  rt::Statement& sum =
      db_.prepare("SELECT count(*), coalesce(sum(size), 0) FROM body WHERE whole = 0");
  const auto row = sum.step();
  if (!row) return row.error();
  begun_ = Begun{sum.u64(0), sum.u64(1)};
  sum.reset();
  return ok();
}

Result<bool> BodyStore::make_room(std::uint64_t size, rt::UnixTime now,
                                  std::vector<std::int64_t>& gaps) {
  for (;;) {
    if (auto counted = count_begun(); !counted) return counted.error();
    const bool alone = begun_->bodies == 0;
    if (alone || (begun_->bodies < limits_.bodies_max && begun_->bytes < limits_.bytes_max &&
                  size <= limits_.bytes_max - begun_->bytes)) {
      return true;
    }
    const auto given_up = give_up_stalled(now, gaps);
    if (!given_up || !*given_up) return given_up;
  }
}

Result<bool> BodyStore::give_up_stalled(rt::UnixTime now, std::vector<std::int64_t>& gaps) {
  rt::Statement& oldest = db_.prepare(
      "SELECT no, node_no, fragments FROM body WHERE whole = 0 AND changed_ns < ?1"
      " ORDER BY changed_ns LIMIT 1");
  oldest.bind(1, now.ns - kBodyStalledNs);
  const auto found = oldest.step();
  if (!found || !*found) return found;
  Row row;
  row.no = oldest.i64(0);
  NewGap gap;
  gap.node = oldest.i64(1);
  gap.cause = wire::GapCause::kGivenUp;
  gap.fragments = oldest.u64(2);
  oldest.reset();
  const auto told = insert_gap(db_, gap, now);
  if (!told) return told.error();
  gaps.push_back(*told);
  if (auto done = end_body(row); !done) return done.error();
  begun_.reset();
  return true;
}

Status BodyStore::put(std::int64_t body, const wire::Fragment& fragment, rt::UnixTime now) {
  if (assembly_ && assembly_->row.no == body) assembly_.reset();  // it read what was there before
  const std::uint64_t number = fragment.offset / wire::kFragmentBytes;
  rt::Statement& again =
      db_.prepare("UPDATE fragment SET bytes = ?3 WHERE body_no = ?1 AND number = ?2");
  again.bind(1, body).bind(2, number).bind_blob(3, fragment.bytes);
  if (auto done = again.run(); !done || db_.changes() > 0) return done;
  rt::Statement& add =
      db_.prepare("INSERT INTO fragment (body_no, number, bytes) VALUES (?1, ?2, ?3)");
  add.bind(1, body).bind(2, number).bind_blob(3, fragment.bytes);
  if (auto done = add.run(); !done) return done;
  rt::Statement& note = db_.prepare(
      "UPDATE body SET fragments = fragments + 1, whole = (fragments + 1 = ?2), changed_ns = ?3"
      " WHERE no = ?1");
  note.bind(1, body).bind(2, wire::fragment_count(fragment.size)).bind(3, now.ns);
  begun_.reset();
  return note.run();
}

Status BodyStore::end_body(const Row& row) {
  rt::Statement& erase = db_.prepare("DELETE FROM body WHERE no = ?1");
  erase.bind(1, row.no);
  if (auto done = erase.run(); !done) return done;
  rt::Statement& note = db_.prepare("INSERT INTO body_gone (body_no) VALUES (?1)");
  note.bind(1, row.no);
  return note.run();
}

Status BodyStore::add_blob(const wire::Sha256Digest& hash, std::uint64_t size,
                           const std::string& type, rt::UnixTime now) {
  const std::string key = hash.bytes();
  rt::Statement& add = db_.prepare(
      "INSERT INTO blob (hash, size, type, stored_ns) VALUES (?1, ?2, ?3, ?4)"
      " ON CONFLICT (hash) DO UPDATE SET missing = 0");
  add.bind_blob(1, key).bind(2, size).bind_text(3, type).bind(4, now.ns);
  return add.run();
}

}  // namespace fieldpost::coordinator
