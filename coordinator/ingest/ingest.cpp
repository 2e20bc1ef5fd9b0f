#include "coordinator/ingest/ingest.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "coordinator/store/boot_clocks.h"
#include "coordinator/store/command_outcomes.h"
#include "coordinator/store/studies.h"
#include "proto/wire/hash.h"
#include "proto/wire/limits.h"
#include "proto/wire/readings_codec.h"
#include "proto/wire/seq_ranges.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;
using wire::Verdict;

namespace {

constexpr std::size_t kAsksMax = 100'000;

Settled nothing_of(const Arrival& arrival) {
  return {.node = arrival.node,
          .nonce = arrival.envelope.nonce,
          .name = arrival.envelope.name,
          .lane = arrival.envelope.lane};
}

/// How a name that was settled before is receipted now [commit-2].
Verdict verdict_again(const SettledName& settled, const wire::Envelope& envelope) {
  const bool by_hash =
      settled.verdict == Verdict::kStored || settled.verdict == Verdict::kQuarantined;
  if (!by_hash) return settled.verdict;
  const bool same = settled.hash && *settled.hash == wire::hash128(envelope.record);
  return same ? settled.verdict : Verdict::kConflict;
}

}  // namespace

Result<std::vector<Settled>> Ingest::commit(const std::vector<Arrival>& arrivals,
                                            rt::UnixTime now) {
  auto all = commit_together(arrivals, now);
  if (all || !is_content_fault(all.error())) return all;
  std::vector<Settled> out;
  for (const Arrival& arrival : arrivals) {
    auto settled = commit_alone(arrival, now);
    if (!settled) return settled.error();
    out.push_back(std::move(*settled));
  }
  return out;
}

Result<Settled> Ingest::commit_alone(const Arrival& arrival, rt::UnixTime now) {
  auto settled = commit_together({&arrival, 1}, now);
  if (settled) return std::move(settled->front());
  if (!is_content_fault(settled.error())) return settled.error();
  auto raw = commit_raw(arrival, now, settled.error().message);
  if (raw || !is_content_fault(raw.error())) return raw;
  // The others need not wait for what can be stored in no way.
  return Settled{
      .node = arrival.node, .lane = arrival.envelope.lane, .dropped = raw.error().message};
}

Result<std::vector<Settled>> Ingest::commit_together(std::span<const Arrival> arrivals,
                                                     rt::UnixTime now) {
  std::vector<Settled> out;
  rt::Transaction transaction(db_);
  Status done = transaction.begin();
  for (const Arrival& arrival : arrivals) {
    if (!done) break;
    auto settled = take(arrival, now);
    if (settled) {
      out.push_back(std::move(*settled));
    } else {
      done = settled.error();
    }
  }
  if (done) done = transaction.commit();
  if (done) return out;
  forget_uncommitted();
  return done.error();
}

Result<Settled> Ingest::commit_raw(const Arrival& arrival, rt::UnixTime now,
                                   const std::string& why) {
  rt::Transaction transaction(db_);
  if (auto done = transaction.begin(); !done) return done.error();
  auto settled = take_raw(arrival, now, why);
  Status done = settled ? transaction.commit() : Status(settled.error());
  if (done) return settled;
  forget_uncommitted();
  return done.error();
}

void Ingest::forget_uncommitted() {
  ledger_.forget_uncommitted();
  readings_.forget_uncommitted();
  bodies_.forget_uncommitted();
  quarantine_.forget_uncommitted();
}

Result<Settled> Ingest::take(const Arrival& arrival, rt::UnixTime now) {
  const wire::Envelope& envelope = arrival.envelope;
  Settled out = nothing_of(arrival);
  const auto node = ledger_.find_node(arrival.node);
  if (!node) return node.error();
  const auto found = ledger_.find(envelope.name.incarnation);
  if (!found) return found.error();
  // Only incarnations that a confirmed hello of this node stated have names here [wel-6].
  if (!*node || !*found || (*found)->node != **node) {
    out.stranger = true;
    return out;
  }
  const IncarnationRow incarnation = **found;
  if (auto done = take_marks(arrival, **node); !done) return done.error();
  if (auto done = take_definitions(envelope); !done) return done.error();
  const auto settled = ledger_.settled(incarnation.no, envelope.name.seq);
  if (!settled) return settled.error();
  auto done = settled->verdict == Verdict::kNone
                  ? take_fresh(arrival, incarnation, now, out)
                  : take_again(envelope, incarnation, *settled, now, out);
  if (!done) return done.error();
  return out;
}

Result<Settled> Ingest::take_raw(const Arrival& arrival, rt::UnixTime now, const std::string& why) {
  const wire::Envelope& envelope = arrival.envelope;
  Settled out = nothing_of(arrival);
  const auto incarnation = ledger_.find(envelope.name.incarnation);
  if (!incarnation) return incarnation.error();
  if (!*incarnation) {
    out.stranger = true;
    return out;
  }
  const auto settled = ledger_.settled((*incarnation)->no, envelope.name.seq);
  if (!settled) return settled.error();
  if (settled->verdict != Verdict::kNone) {
    out.verdict = verdict_again(*settled, envelope);
    return out;
  }
  auto kept = quarantine(**incarnation, envelope.name.seq, envelope.record, now, why, out);
  if (!kept) return kept.error();
  return out;
}

Status Ingest::take_marks(const Arrival& arrival, NodeNo node) {
  if (!arrival.in_session) return ok();  // [commit-3]
  for (const wire::NameRange& marked : arrival.envelope.marked) {
    const auto told = ledger_.find(marked.incarnation);
    if (!told) return told.error();
    if (!*told || (*told)->node != node) continue;
    if (auto done = ledger_.drop_hashes((*told)->no, marked.seqs); !done) return done;
  }
  return ok();
}

Status Ingest::take_definitions(const wire::Envelope& envelope) {
  for (const std::string& definition : envelope.definitions) {
    // A definition that is no definition leaves its record without one: it is asked for, then
    // quarantined.
    const auto added = readings_.add_set(definition);
    if (!added && !is_content_fault(added.error()) && added.error().code != Errc::kCorrupt) {
      return added.error();
    }
  }
  return ok();
}

Status Ingest::take_again(const wire::Envelope& envelope, const IncarnationRow& incarnation,
                          const SettledName& settled, rt::UnixTime now, Settled& out) {
  const bool may_replay = envelope.replay && settled.verdict == Verdict::kStored;
  if (may_replay && (!settled.hash || *settled.hash == wire::hash128(envelope.record))) {
    out.verdict = Verdict::kStored;
    return take_replay(envelope, incarnation, now, out);
  }
  out.verdict = verdict_again(settled, envelope);
  return ok();
}

/// [commit-8]. What cannot be stored is stored already as far as its name goes: nothing changes.
Status Ingest::take_replay(const wire::Envelope& envelope, const IncarnationRow& incarnation,
                           rt::UnixTime now, Settled& out) {
  const auto record = wire::decode_record(envelope.record);
  if (!record) {
    out.replay_note = record.error().message;
    return ok();
  }
  if (record->kind != static_cast<std::uint16_t>(wire::RecordKind::kReadings)) return ok();
  auto done = try_apply(incarnation, envelope.name.seq, *record, now, out);
  if (done || !is_content_fault(done.error())) return done;
  out.replay_note = done.error().message;
  return ok();
}

Status Ingest::take_fresh(const Arrival& arrival, const IncarnationRow& incarnation,
                          rt::UnixTime now, Settled& out) {
  const wire::Envelope& envelope = arrival.envelope;
  const std::uint64_t seq = envelope.name.seq;
  auto record = wire::decode_record(envelope.record);
  if (!record) {
    return quarantine(incarnation, seq, envelope.record, now, record.error().message, out);
  }
  if (record->kind == static_cast<std::uint16_t>(wire::RecordKind::kReadings)) {
    const auto set = readings_.find_set(record->set);
    if (!set && set.error().code != Errc::kNotFound) return set.error();
    if (!set) {
      if (asks_.size() > kAsksMax) asks_.clear();
      if (++asks_[envelope.name] <= wire::kDefinitionAsksMax) {
        out.need = record->set;
        return ok();
      }
      asks_.erase(envelope.name);
      return quarantine(incarnation, seq, envelope.record, now,
                        "the node does not give its series set " + record->set.hex(), out);
    }
  }
  return store(incarnation, seq, *record, wire::hash128(envelope.record), now, out);
}

Status Ingest::try_apply(const IncarnationRow& incarnation, std::uint64_t seq,
                         const wire::Record& record, rt::UnixTime now, Settled& out) {
  rt::Savepoint part(db_);
  if (auto done = part.begin(); !done) return done;
  const std::size_t gaps = out.gaps.size();
  auto done = apply(incarnation, seq, record, now, out);
  if (done) return part.keep();
  if (is_content_fault(done.error())) {
    part.undo();
    out.gaps.resize(gaps);
    forget_uncommitted();
  }
  return done;
}

Status Ingest::apply(const IncarnationRow& incarnation, std::uint64_t seq,
                     const wire::Record& record, rt::UnixTime now, Settled& out) {
  switch (static_cast<wire::RecordKind>(record.kind)) {
    case wire::RecordKind::kEmpty: return ok();
    case wire::RecordKind::kReadings: return store_readings(incarnation, seq, record, now, out);
    case wire::RecordKind::kEvent: return store_event(incarnation, seq, record, now, out);
    case wire::RecordKind::kFragment: return store_fragment(incarnation, record, now, out);
    case wire::RecordKind::kLogPiece: return store_log_piece(incarnation, record, now, out);
    default: return Error{Errc::kInvalid, fmt::format("unknown kind of record: {}", record.kind)};
  }
}

Status Ingest::store(const IncarnationRow& incarnation, std::uint64_t seq,
                     const wire::Record& record, const wire::Hash128& hash, rt::UnixTime now,
                     Settled& out) {
  auto meant = try_apply(incarnation, seq, record, now, out);
  if (!meant && is_content_fault(meant.error())) {
    return quarantine(incarnation, seq, wire::encode(record), now, meant.error().message, out);
  }
  if (!meant || out.waits) return meant;
  for (const wire::Gap& gap : record.gaps) {
    if (auto done = gaps_.take(incarnation, seq, gap, now, out.gaps); !done) return done;
  }
  if (auto done = ledger_.leave_unconfirmed(incarnation.no, {seq, seq}); !done) return done;
  if (auto done = ledger_.settle(incarnation.no, {seq, seq}, Verdict::kStored); !done) return done;
  if (auto done = ledger_.keep_hash(incarnation.no, seq, hash); !done) return done;
  if (auto done = ledger_.raise_known(incarnation, seq); !done) return done;
  if (auto done = count_delivered(incarnation.node, record.readings); !done) return done;
  out.verdict = Verdict::kStored;
  out.fresh = true;
  return ok();
}

Status Ingest::count_delivered(NodeNo node, std::uint64_t readings) {
  if (readings == 0) return ok();
  return ledger_.execute("UPDATE node SET delivered = delivered + ?2 WHERE no = ?1", node,
                         static_cast<std::int64_t>(readings));
}

Result<wire::Rank> Ingest::rank_of(const IncarnationRow& incarnation, std::uint64_t seq,
                                   const std::optional<wire::Name>& first_name) {
  const wire::Rank own{incarnation.ordinal, seq};
  if (!first_name) return own;
  const auto first = ledger_.find(first_name->incarnation);
  if (!first) return first.error();
  // Of an incarnation that its node never stated nobody knows the ordinal [name-6].
  if (!*first || (*first)->node != incarnation.node) return own;
  return wire::Rank{(*first)->ordinal, first_name->seq};
}

Status Ingest::store_readings(const IncarnationRow& incarnation, std::uint64_t seq,
                              const wire::Record& record, rt::UnixTime now, Settled& out) {
  const auto set = readings_.find_set(record.set);
  if (!set) return set.error();
  // Only the record's own bytes are its fault: what SQLite calls corrupt is the store's.
  auto raw = wire::decompress(record.payload, record.codec, record.raw_size);
  if (!raw) return Error{Errc::kInvalid, raw.error().message};
  auto columns = wire::decode_columns(*raw, (*set)->types);
  if (!columns) return Error{Errc::kInvalid, columns.error().message};
  if (columns->readings() != record.readings) {
    return Error{Errc::kInvalid, "the record says another number of readings than it holds"};
  }
  const auto rank = rank_of(incarnation, seq, record.first_name);
  if (!rank) return rank.error();
  ReadingBatch batch;
  batch.node = incarnation.node;
  batch.rank = *rank;
  batch.set = *set;
  batch.columns = std::move(*columns);
  for (const wire::Name& origin : batch.columns.origins) {
    const auto origin_rank = rank_of(incarnation, seq, origin);
    if (!origin_rank) return origin_rank.error();
    batch.origin_ranks.push_back(*origin_rank);
  }
  batch.payload = record.payload;
  batch.codec = record.codec;
  batch.raw_size = record.raw_size;
  if (record.first_name) {
    // A resumed image may have given the name to another record, too: both stay.
    const auto taken = readings_.is_rank_taken(batch);
    if (!taken) return taken.error();
    if (*taken) batch.rank = {incarnation.ordinal, seq};
  }
  if (record.boot_stamped) {
    batch.boot = boot_of(record.stamp);
    if (auto done = BootClocks(db_).note_stamp(record.stamp); !done) return done;
  }
  if (auto done = readings_.add_batch(batch, now); !done) return done;
  const auto series = readings_.series_of(incarnation.node, **set);
  if (!series) return series.error();
  auto pressed = Studies(db_).take_presses(batch, **series, now);
  if (!pressed) return pressed;
  out.stored = StoredReadings{*series, *set,
                              std::make_shared<const wire::Columns>(std::move(batch.columns))};
  return ok();
}

Status Ingest::store_event(const IncarnationRow& incarnation, std::uint64_t seq,
                           const wire::Record& record, rt::UnixTime now, Settled& out) {
  auto raw = wire::decompress(record.payload, record.codec, record.raw_size);
  if (!raw) return Error{Errc::kInvalid, raw.error().message};
  const auto json = nlohmann::json::parse(*raw, nullptr, false);
  if (!json.is_object() || !json.contains("type") || !json["type"].is_string()) {
    return Error{Errc::kInvalid, "an event is a JSON object with a member \"type\""};
  }
  if (json["type"] == "build") {
    auto change = builds_.take_fact(incarnation.node, *raw, now);
    if (!change) return change.error();
    out.build = std::move(*change);
    return ok();
  }
  rt::Statement& add = db_.prepare(
      "INSERT OR IGNORE INTO event (node_no, incarnation_no, seq, received_ns, payload)"
      " VALUES (?1, ?2, ?3, ?4, ?5)");
  add.bind(1, incarnation.node).bind(2, incarnation.no).bind(3, seq).bind(4, now.ns);
  add.bind_text(5, *raw);
  if (auto done = add.run(); !done) return done;
  if (json["type"] == "command" && json.contains("id") && json["id"].is_number_unsigned()) {
    auto done =
        CommandOutcomes(db_).note_told(incarnation.node, json["id"].get<std::uint64_t>(), *raw);
    if (!done) return done;
  }
  out.event = std::move(*raw);
  return ok();
}

Status Ingest::store_fragment(const IncarnationRow& incarnation, const wire::Record& record,
                              rt::UnixTime now, Settled& out) {
  auto raw = wire::decompress(record.payload, record.codec, record.raw_size);
  if (!raw) return Error{Errc::kInvalid, raw.error().message};
  const auto fragment = wire::decode_fragment(*raw);
  if (!fragment) return Error{Errc::kInvalid, fragment.error().message};
  const auto taken = bodies_.take(incarnation.node, *fragment, now, out.gaps);
  if (!taken) return taken.error();
  out.fragment = true;
  out.waits = !*taken;
  return ok();
}

Status Ingest::store_log_piece(const IncarnationRow& incarnation, const wire::Record& record,
                               rt::UnixTime now, Settled& out) {
  const auto raw = wire::decompress(record.payload, record.codec, record.raw_size);
  if (!raw) return Error{Errc::kInvalid, raw.error().message};
  auto change = builds_.take_log(incarnation.node, *raw, now);
  if (!change) return change.error();
  out.build = std::move(*change);
  return ok();
}

Status Ingest::quarantine(const IncarnationRow& incarnation, std::uint64_t seq,
                          const std::string& record, rt::UnixTime now, const std::string& why,
                          Settled& out) {
  const auto kept = quarantine_.add(incarnation, seq, record, why, now);
  if (!kept) return kept.error();
  if (!*kept) {
    out.no_room = true;
    return ok();
  }
  // Its gaps are taken all the same [env-5].
  if (const auto content = wire::decode_record(record)) {
    for (const wire::Gap& gap : content->gaps) {
      if (auto done = gaps_.take(incarnation, seq, gap, now, out.gaps); !done) return done;
    }
  }
  quarantined_ += 1;
  out.verdict = Verdict::kQuarantined;
  out.note = why;
  return ok();
}

}  // namespace fieldpost::coordinator
