#include "coordinator/store/pack_release.h"

#include <string>
#include <string_view>
#include <vector>

namespace fieldpost::coordinator {
namespace {

struct PackState {
  std::int64_t users = 0;
  bool is_sparse = false;
  std::string bytes;  ///< of a sparse one
};

rt::Result<PackState> load_pack(rt::Database& db, std::int64_t pack_no) {
  rt::Statement& stmt = db.prepare("SELECT users, made_for, bytes FROM pack WHERE no = ?");
  const auto row = stmt.bind(1, pack_no).step();
  if (!row) return row.error();
  PackState pack;
  if (!*row) return pack;
  pack.users = stmt.i64(0);
  pack.is_sparse = pack.users * 2 <= stmt.i64(1);
  if (pack.is_sparse) pack.bytes = stmt.blob(2);
  stmt.reset();
  return pack;
}

/// A chunk's row, and where its values lie.
struct Survivor {
  std::int64_t series = 0;
  std::string boot;
  std::int64_t last_time = 0;
  std::size_t time_size = 0, offset = 0, size = 0;
};

rt::Result<std::vector<Survivor>> survivors_of(rt::Database& db, std::int64_t pack_no) {
  rt::Statement& stmt = db.prepare(
      "SELECT series_id, boot, last_time, time_size, offset, size FROM chunk WHERE pack_no = ?");
  stmt.bind(1, pack_no);
  std::vector<Survivor> survivors;
  for (;;) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) return survivors;
    survivors.push_back(
        {stmt.i64(0), std::string(stmt.blob(1)), stmt.i64(2), static_cast<std::size_t>(stmt.u64(3)),
         static_cast<std::size_t>(stmt.u64(4)), static_cast<std::size_t>(stmt.u64(5))});
  }
}

/// Bytes beyond the end of a damaged pack are left out; its readers notice.
std::string_view part(std::string_view bytes, std::size_t offset, std::size_t size) {
  return offset > bytes.size() ? std::string_view() : bytes.substr(offset, size);
}

rt::Status move_chunk(rt::Database& db, const Survivor& chunk, std::int64_t pack_no,
                      std::size_t offset) {
  return db
      .prepare(
          "UPDATE chunk SET pack_no = ?4, offset = ?5"
          " WHERE series_id = ?1 AND boot = ?2 AND last_time = ?3")
      .bind(1, chunk.series)
      .bind_blob(2, chunk.boot)
      .bind(3, chunk.last_time)
      .bind(4, pack_no)
      .bind(5, std::uint64_t{offset})
      .run();
}

rt::Status write_again(rt::Database& db, std::int64_t pack_no, const std::string& old) {
  const auto survivors = survivors_of(db, pack_no);
  if (!survivors) return survivors.error();
  if (survivors->empty()) return rt::ok();
  std::string bytes(part(old, 0, survivors->front().time_size));
  std::vector<std::size_t> offsets;
  for (const Survivor& chunk : *survivors) {
    offsets.push_back(bytes.size());
    bytes += part(old, chunk.offset, chunk.size);
  }
  auto added = db.prepare("INSERT INTO pack (made_for, users, bytes) VALUES (?1, ?1, ?2)")
                   .bind(1, std::uint64_t{survivors->size()})
                   .bind_blob(2, bytes)
                   .run();
  if (!added) return added;
  const std::int64_t new_no = db.last_insert_rowid();
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    if (auto done = move_chunk(db, (*survivors)[i], new_no, offsets[i]); !done) return done;
  }
  return rt::ok();
}

}  // namespace

rt::Status release_pack(rt::Database& db, std::int64_t pack_no, std::int64_t users) {
  auto fewer = db.prepare("UPDATE pack SET users = users - ? WHERE no = ?")
                   .bind(1, users)
                   .bind(2, pack_no)
                   .run();
  if (!fewer) return fewer;
  const auto pack = load_pack(db, pack_no);
  if (!pack) return pack.error();
  if (pack->users > 0 && !pack->is_sparse) return rt::ok();
  if (pack->users > 0) {
    if (auto done = write_again(db, pack_no, pack->bytes); !done) return done;
  }
  return db.prepare("DELETE FROM pack WHERE no = ?").bind(1, pack_no).run();
}

}  // namespace fieldpost::coordinator
