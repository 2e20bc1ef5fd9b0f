#include "coordinator/store/damage.h"

#include <string>

#include "coordinator/store/pack_writer.h"

namespace fieldpost::coordinator {
namespace {

rt::Status move_batch(rt::Database& db, const BatchRow& batch, std::string_view why) {
  auto kept = db.prepare(
                    "INSERT INTO damaged_batch (node_no, ordinal, seq, set_no, boot, received_ns,"
                    " readings, why, payload) SELECT node_no, ordinal, seq, set_no, boot,"
                    " received_ns, readings, ?2, payload FROM batch WHERE no = ?1")
                  .bind(1, batch.no)
                  .bind_text(2, why)
                  .run();
  if (!kept) return kept;
  auto gone = db.prepare("DELETE FROM batch WHERE no = ?").bind(1, batch.no).run();
  if (!gone) return gone;
  return db.prepare("DELETE FROM damaged_batch WHERE no <= (SELECT max(no) FROM damaged_batch) - ?")
      .bind(1, kDamagedKeptMax)
      .run();
}

rt::Status copy_chunk(rt::Database& db, const ChunkRow& chunk, std::string_view why) {
  const std::string boot = boot_bytes(chunk.boot);
  auto kept =
      db.prepare(
            "INSERT INTO damaged_chunk (series_id, boot, first_time, last_time, count, why, times,"
            " readings) SELECT series_id, boot, first_time, last_time, count, ?4,"
            " coalesce(substr(bytes, 1, time_size), x''),"
            " coalesce(substr(bytes, offset + 1, size), x'')"
            " FROM chunk LEFT JOIN pack ON no = pack_no"
            " WHERE series_id = ?1 AND boot = ?2 AND last_time = ?3")
          .bind(1, chunk.series)
          .bind_blob(2, boot)
          .bind(3, chunk.last_time)
          .bind_text(4, why)
          .run();
  if (!kept) return kept;
  return db.prepare("DELETE FROM damaged_chunk WHERE no <= (SELECT max(no) FROM damaged_chunk) - ?")
      .bind(1, kDamagedKeptMax)
      .run();
}

rt::Status move_chunk(rt::Database& db, const ChunkRow& chunk, std::string_view why) {
  if (auto done = copy_chunk(db, chunk, why); !done) return done;
  PackWriter packs(db);
  if (auto done = packs.remove(chunk); !done) return done;
  if (auto done = packs.flush(); !done) return done;
  return db.prepare("UPDATE series SET count = count - ?2 WHERE id = ?1")
      .bind(1, chunk.series)
      .bind(2, chunk.count)
      .run();
}

template <typename Move>
rt::Status in_transaction(rt::Database& db, Move move) {
  rt::Transaction transaction(db);
  if (auto done = transaction.begin(); !done) return done;
  if (auto done = move(); !done) return done;
  return transaction.commit();
}

}  // namespace

rt::Status set_aside(rt::Database& db, const BatchRow& batch, std::string_view why) {
  return in_transaction(db, [&] { return move_batch(db, batch, why); });
}

rt::Status set_aside(rt::Database& db, const ChunkRow& chunk, std::string_view why) {
  return in_transaction(db, [&] { return move_chunk(db, chunk, why); });
}

}  // namespace fieldpost::coordinator
