#include "coordinator/store/damage.h"

#include <optional>
#include <string>

#include "coordinator/store/gap_table.h"
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

/// What was lost with a row.
struct Loss {
  NewGap gap;
  std::optional<wire::Rank> rank;  ///< of a batch: its node may have it still
};

rt::Result<Loss> loss_of(rt::Database& db, const BatchRow& batch) {
  Loss loss;
  loss.gap = {batch.node, wire::GapCause::kDamaged};
  loss.gap.first_time = batch.first_time;
  loss.gap.last_time = batch.last_time;
  loss.gap.readings = batch.readings;
  loss.rank = batch.rank;
  rt::Statement& set = db.prepare("SELECT hash FROM series_set WHERE no = ?");
  const auto row = set.bind(1, batch.set_no).step();
  if (!row) return row.error();
  if (!*row) return loss;
  loss.gap.sets = {wire::Id128::from_bytes(set.blob(0))};
  loss.gap.sets_known = true;
  set.reset();
  return loss;
}

/// A chunk has one series, and a gap knows sets: which series it was is not told.
rt::Result<Loss> loss_of(rt::Database& db, const ChunkRow& chunk) {
  Loss loss;
  loss.gap.cause = wire::GapCause::kDamaged;
  loss.gap.first_time = chunk.first_time;
  loss.gap.last_time = chunk.last_time;
  loss.gap.readings = chunk.count;
  rt::Statement& series = db.prepare("SELECT node_no FROM series WHERE id = ?");
  const auto row = series.bind(1, chunk.series).step();
  if (!row) return row.error();
  if (*row) loss.gap.node = series.i64(0);
  series.reset();
  return loss;
}

rt::Status take_off_delivered(rt::Database& db, NodeNo node, std::uint64_t readings) {
  return db.prepare("UPDATE node SET delivered = max(delivered - ?2, 0) WHERE no = ?1")
      .bind(1, node)
      .bind(2, readings)
      .run();
}

rt::Status note(rt::Database& db, const Loss& loss, rt::UnixTime now) {
  const auto gap = insert_gap(db, loss.gap, now);
  if (!gap) return gap.error();
  rt::Statement& add = db.prepare(
      "INSERT INTO damage (gap_no, node_no, ordinal, seq, readings) VALUES (?1, ?2, ?3, ?4, ?5)");
  add.bind(1, *gap).bind(2, loss.gap.node).bind(5, loss.gap.readings);
  if (loss.rank) {
    add.bind(3, loss.rank->ordinal).bind(4, loss.rank->seq);
  } else {
    add.bind_null(3).bind_null(4);
  }
  if (auto done = add.run(); !done) return done;
  return take_off_delivered(db, loss.gap.node, loss.gap.readings);
}

template <typename Move>
rt::Status in_transaction(rt::Database& db, Move move) {
  rt::Transaction transaction(db);
  if (auto done = transaction.begin(); !done) return done;
  if (auto done = move(); !done) return done;
  return transaction.commit();
}

}  // namespace

rt::Status set_aside(rt::Database& db, const BatchRow& batch, const DamageFound& found) {
  return in_transaction(db, [&] {
    const auto loss = loss_of(db, batch);
    auto done = loss ? note(db, *loss, found.now) : rt::Status(loss.error());
    return done ? move_batch(db, batch, found.why) : done;
  });
}

rt::Status set_aside(rt::Database& db, const ChunkRow& chunk, const DamageFound& found) {
  return in_transaction(db, [&] {
    const auto loss = loss_of(db, chunk);
    auto done = loss ? note(db, *loss, found.now) : rt::Status(loss.error());
    return done ? move_chunk(db, chunk, found.why) : done;
  });
}

rt::Status heal(rt::Database& db, const ReadingBatch& batch) {
  rt::Statement& find = db.prepare(
      "SELECT gap_no, readings FROM damage WHERE node_no = ? AND ordinal = ? AND seq = ?");
  find.bind(1, batch.node).bind(2, batch.rank.ordinal).bind(3, batch.rank.seq);
  const auto row = find.step();
  if (!row) return row.error();
  if (!*row) return rt::ok();
  const std::int64_t gap = find.i64(0);
  const std::uint64_t readings = find.u64(1);
  find.reset();
  auto done = db.prepare("UPDATE gap SET state = 3 WHERE no = ?").bind(1, gap).run();
  if (done) done = db.prepare("DELETE FROM damage WHERE gap_no = ?").bind(1, gap).run();
  if (!done) return done;
  return db.prepare("UPDATE node SET delivered = delivered + ?2 WHERE no = ?1")
      .bind(1, batch.node)
      .bind(2, readings)
      .run();
}

}  // namespace fieldpost::coordinator
