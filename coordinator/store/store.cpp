#include "coordinator/store/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "coordinator/store/boot_clocks.h"
#include "coordinator/store/command_outcomes.h"
#include "coordinator/store/site_counter.h"
#include "coordinator/store/store_file.h"
#include "coordinator/store/studies.h"
#include "proto/rt/rows.h"
#include "proto/wire/hash.h"

namespace fieldpost::coordinator {

using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr std::int64_t kIdempotencyNs = 86'400'000'000'000;

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::string& path, const std::string& vfs,
                                           const StoreOptions& options, rt::Random& random,
                                           rt::UnixTime now) {
  auto db = open_store_file(path, vfs);
  if (!db) return db.error();
  std::unique_ptr<Store> store(new Store(std::move(*db), options));
  if (auto done = store->ledger_.load(random); !done) return done.error();
  if (auto done = store->readings_.load(); !done) return done.error();
  if (auto done = store->set_back_.load(); !done) return done.error();
  const auto ordinal = store->ledger_.draw_http_ordinal(now);
  if (!ordinal) return ordinal.error();
  store->http_ordinal_ = *ordinal;
  return store;
}

Status Store::draw_generation(std::uint64_t value, rt::UnixTime now) {
  rt::Transaction transaction(db_);
  auto done = transaction.begin();
  if (done) done = ledger_.draw_generation(value, now);
  if (done) done = transaction.commit();
  return done;
}

std::vector<Result<Store::HttpStored>> Store::store_http(const std::vector<HttpRecords>& bodies,
                                                         rt::UnixTime now) {
  std::vector<Result<HttpStored>> out;
  const std::span<const HttpRecords> all(bodies);
  while (out.size() < all.size()) {
    const std::size_t first = out.size();
    std::size_t end = first + 1;
    while (!all[first].body && end < all.size() && !all[end].body) ++end;
    auto stored = store_together(all.subspan(first, end - first), now);
    for (std::size_t i = first; i < end; ++i) {
      if (stored) out.emplace_back(std::move((*stored)[i - first]));
      if (!stored) out.emplace_back(stored.error());
    }
  }
  return out;
}

Result<std::vector<Store::HttpStored>> Store::store_together(std::span<const HttpRecords> bodies,
                                                             rt::UnixTime now) {
  std::vector<HttpStored> out;
  rt::Transaction transaction(db_);
  Status done = transaction.begin();
  for (const HttpRecords& body : bodies) {
    if (!done) break;
    auto stored = store_body(body, now);
    if (!stored) {
      done = stored.error();
    } else {
      out.push_back(std::move(*stored));
    }
  }
  if (done) {
    rt::Statement& sweep = db_.prepare("DELETE FROM idempotency WHERE accepted_ns < ?1");
    sweep.bind(1, now.ns - kIdempotencyNs);
    done = sweep.run();
  }
  if (done) done = transaction.commit();
  if (done) return out;
  db_.rollback();
  ledger_.forget_uncommitted();
  readings_.forget_uncommitted();
  return done.error();
}

Result<Store::HttpStored> Store::store_body(const HttpRecords& body, rt::UnixTime now) {
  HttpStored out;
  out.lines = body.lines;
  if (!body.idempotency_key.empty()) {
    const std::string key = wire::hash128(body.node + '\n' + body.idempotency_key).bytes();
    rt::Statement& known =
        db_.prepare("SELECT lines FROM idempotency WHERE key = ?1 AND accepted_ns >= ?2");
    known.bind_blob(1, key).bind(2, now.ns - kIdempotencyNs);
    const auto row = known.step();
    if (!row) return row.error();
    if (*row) {
      out.lines = static_cast<std::size_t>(known.u64(0));
      known.reset();
      if (!body.body) return out;
      auto gone = bodies_.discard(body.body->path);
      return gone ? Result<HttpStored>(out) : gone.error();
    }
    rt::Statement& add = db_.prepare(
        "INSERT OR REPLACE INTO idempotency (key, accepted_ns, lines) VALUES (?1, ?2, ?3)");
    add.bind_blob(1, key).bind(2, now.ns).bind(3, std::uint64_t{body.lines});
    if (auto done = add.run(); !done) return done.error();
  }
  if (body.body) {
    auto done = bodies_.adopt(body.body->path, body.body->reference, now);
    if (!done) return done.error();
  }
  const auto node = ledger_.node_no(body.node, now);
  if (!node) return node.error();
  std::uint64_t readings = 0;
  for (const wire::EncodedReadings& each : body.records) {
    auto stored = store_encoded(*node, each, {http_ordinal_, ++http_seq_}, now);
    if (!stored) return stored.error();
    readings += each.record.readings;
    out.stored.push_back(std::move(*stored));
  }
  rt::Statement& count = db_.prepare(
      "UPDATE node SET delivered = delivered + ?2, accepted_http = accepted_http + ?2,"
      " last_seen_ns = max(last_seen_ns, ?3) WHERE no = ?1");
  count.bind(1, *node).bind(2, readings).bind(3, now.ns);
  if (auto done = count.run(); !done) return done.error();
  return out;
}

Result<StoredReadings> Store::store_encoded(NodeNo node, const wire::EncodedReadings& encoded,
                                            const wire::Rank& rank, rt::UnixTime now) {
  const wire::Record& record = encoded.record;
  auto batch = make_batch(*encoded.set, {record.payload, record.codec, record.raw_size});
  if (!batch) return batch.error();
  batch->node = node;
  batch->rank = rank;
  if (auto done = readings_.add_batch(*batch, now); !done) return done.error();
  const auto series = readings_.series_of(node, *batch->set);
  if (!series) return series.error();
  auto pressed = Studies(db_).take_presses(*batch, **series, now);
  if (!pressed) return pressed.error();
  return StoredReadings{*series, batch->set,
                        std::make_shared<const wire::Columns>(std::move(batch->columns))};
}

Result<ReadingBatch> Store::make_batch(const wire::SeriesSet& set, const Payload& payload) {
  auto known = readings_.find_set(set.hash);
  if (!known && known.error().code == rt::Errc::kNotFound) known = readings_.add_set(set.encode());
  if (!known) return known.error();
  auto raw = wire::decompress(payload.bytes, payload.codec, payload.raw_size);
  if (!raw) return raw.error();
  auto columns = wire::decode_columns(*raw, (*known)->types);
  if (!columns) return columns.error();
  ReadingBatch batch;
  batch.set = *std::move(known);
  batch.columns = std::move(*columns);
  batch.payload = payload.bytes;
  batch.codec = payload.codec;
  batch.raw_size = payload.raw_size;
  return batch;
}

Status Store::note_state(const std::string& node, const ToldState& told, rt::UnixTime now) {
  const wire::NodeState& state = told.state;
  rt::Transaction transaction(db_);
  if (auto done = transaction.begin(); !done) return done;
  const auto no = ledger_.find_node(node);
  if (!no) return no.error();
  if (!*no) return ok();
  rt::Statement& update = db_.prepare(
      "UPDATE node SET last_seen_ns = ?2, version = ?3, labels = ?4, accepted = ?5, held = ?6,"
      " shed = ?7, settled_until_ns = max(settled_until_ns, ?8) WHERE no = ?1");
  update.bind(1, **no).bind(2, now.ns).bind_text(3, state.version);
  update.bind_text(
      4,
      nlohmann::json(state.labels).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  update.bind(5, state.accepted).bind(6, state.readings_held);
  update.bind(7, state.records_held > 0 ? state.shed : 0).bind(8, told.settled_until);
  if (auto done = update.run(); !done) return done;
  if (auto done = BootClocks(db_).note_told(state.clock); !done) return done;
  if (auto done = Studies(db_).take_overdue_presses(); !done) return done;
  return transaction.commit();
}

Result<std::uint64_t> Store::command_counter(NodeNo node) {
  rt::Statement& get = db_.prepare("SELECT command_counter FROM node WHERE no = ?1");
  const auto counter = rt::read_number(get.bind(1, node));
  if (!counter) return counter.error();
  return static_cast<std::uint64_t>(*counter);
}

Result<std::uint64_t> Store::exchange_mark(NodeNo node, std::uint64_t mark) {
  SamplingTable sampling(db_);
  if (auto done = sampling.note_mark(node, mark); !done) return done.error();
  const auto counter = command_counter(node);
  if (!counter || mark <= *counter || mark > kToldNumberMax) return counter;
  if (auto done = sampling.note_unknown(node); !done) return done.error();
  auto done = ledger_.execute("UPDATE node SET command_counter = ?2 WHERE no = ?1", node,
                              static_cast<std::int64_t>(mark));
  if (!done) return done.error();
  return mark;
}

Result<wire::Command> Store::add_command(const std::string& node, const wire::SpoolId& spool,
                                         const std::string& verb, const std::string& arguments,
                                         rt::UnixTime now, rt::UnixTime expires) {
  rt::Transaction transaction(db_);
  if (auto done = transaction.begin(); !done) return done.error();
  auto command =
      insert_command({ledger_.store_id(), 0, spool, 0, expires, verb, arguments, 0}, node, now);
  if (!command) return command;
  if (auto done = transaction.commit(); !done) return done.error();
  return command;
}

Result<wire::Command> Store::tell_sampling(const std::string& node, const wire::SpoolId& spool,
                                           const SamplingIntervals& every_s, rt::UnixTime now,
                                           rt::UnixTime expires) {
  rt::Transaction transaction(db_);
  if (auto done = transaction.begin(); !done) return done.error();
  const std::string arguments = fmt::format(R"({{"every_s":{}}})", encode_intervals(every_s));
  auto command = insert_command(
      {ledger_.store_id(), 0, spool, 0, expires, "sampling", arguments, 0}, node, now);
  if (!command) return command;
  auto done = SamplingTable(db_).note_told(node, every_s, command->id, now);
  if (done) done = transaction.commit();
  if (!done) return done.error();
  return command;
}

Result<wire::Command> Store::insert_command(wire::Command command, const std::string& node,
                                            rt::UnixTime now) {
  const auto no = ledger_.node_no(node, now);
  if (!no) return no.error();
  const auto last = command_counter(*no);
  if (!last) return last.error();
  command.id = next_number(*last, now);
  auto done = ledger_.execute("UPDATE node SET command_counter = ?2 WHERE no = ?1", *no,
                              static_cast<std::int64_t>(command.id));
  if (!done) return done.error();
  const std::string spool_bytes = command.spool.bytes();
  rt::Statement& add = db_.prepare(
      "INSERT INTO command (node_no, id, spool, created_ns, expires_ns, verb, arguments)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  add.bind(1, *no).bind(2, command.id).bind_blob(3, spool_bytes).bind(4, now.ns);
  add.bind(5, command.expires.ns).bind_text(6, command.verb).bind_text(7, command.arguments);
  if (done = add.run(); !done) return done.error();
  return command;
}

Status Store::end_overdue(const Moment& now, rt::Nanos unconfirmed_for) {
  rt::Transaction transaction(db_);
  auto done = transaction.begin();
  if (done) done = ledger_.declare_unconfirmed(now, unconfirmed_for);
  if (done) done = CommandOutcomes(db_).end_expired(now.now);
  if (done) done = transaction.commit();
  if (!done) ledger_.forget_uncommitted();
  return done;
}

Result<std::vector<wire::Command>> Store::open_commands(const std::string& node,
                                                        const wire::SpoolId& spool,
                                                        rt::UnixTime now) {
  std::vector<wire::Command> out;
  const std::string spool_bytes = spool.bytes();
  rt::Statement& rows = db_.prepare(
      "SELECT c.id, c.expires_ns, c.verb, c.arguments FROM command c JOIN node n ON n.no = "
      "c.node_no"
      " WHERE n.id = ?1 AND c.spool = ?2 AND c.outcome IS NULL AND c.expires_ns > ?3 ORDER BY c.id"
      " LIMIT 256");
  rows.bind_text(1, node).bind_blob(2, spool_bytes).bind(3, now.ns);
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return out;
    out.push_back({ledger_.store_id(), 0, spool, rows.u64(0), rt::UnixTime{rows.i64(1)},
                   std::string(rows.text(2)), std::string(rows.text(3)), 0});
  }
}

}  // namespace fieldpost::coordinator
