// The spool and what sheds from it, on the simulated disk.
#include "agent/spool/spool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "agent/spool/forget_pin.h"
#include "agent/spool/gap_records.h"
#include "agent/spool/shedding.h"
#include "agent/spool/spool_check.h"
#include "agent/spool/spool_transaction.h"
#include "proto/wire/batch_encoder.h"
#include "proto/wire/limits.h"
#include "tests/support/sim/sim_random.h"
#include "tests/support/sim/sim_vfs.h"

namespace fieldpost::agent {
namespace {

using rt::Errc;
using sim::Dice;

constexpr const char* kPath = "/spool/spool.db";
constexpr std::uint64_t kDayMs = 24ull * 3600 * 1000;

wire::ParsedLines lines_of(int count, std::int64_t first_time, std::int64_t value = 0) {
  wire::ParsedLines lines;
  lines.keys = {"m v i"};
  lines.types = {wire::ValueType::kI64};
  lines.columns.resize(1);
  for (int i = 0; i < count; ++i) {
    lines.columns[0].times.push_back(first_time + i * 1'000'000'000LL);
    lines.columns[0].values.push_back(static_cast<std::uint64_t>(value + i));
  }
  lines.readings = lines.lines_stored = static_cast<std::size_t>(count);
  return lines;
}

std::vector<SpoolRecord> encode(wire::ReadingsBatch batch) {
  static wire::BatchEncoder encoder{wire::EncoderOptions{}};
  const auto encoded = encoder.encode(std::move(batch));
  REQUIRE(encoded.has_value());
  std::vector<SpoolRecord> out;
  for (const auto& each : *encoded) {
    out.push_back(make_spool_record(each.record, readings_class(each.class_index)));
    out.back().definition = std::make_shared<const std::string>(each.set->encode());
  }
  return out;
}

/// `boot_stamp`: readings that belong to its boot.
std::vector<SpoolRecord> readings(int count, std::int64_t first_time, std::int64_t value,
                                  const wire::Clock* boot_stamp = nullptr) {
  wire::ReadingsBatch batch;
  if (boot_stamp != nullptr) batch.stamp = *boot_stamp;
  (boot_stamp != nullptr ? batch.boot_pieces : batch.pieces)
      .push_back(lines_of(count, first_time, value));
  return encode(std::move(batch));
}

struct SpoolBench {
  sim::SimDisk disk;
  sim::SimVfs vfs{disk, "spool-test"};
  sim::SimRandom random{Dice(3)};
  Spool spool = open();
  std::uint64_t next_seq = 1;
  std::uint64_t age_ms = 0;
  ShedOptions shed{.bytes_max = 20'000, .gap_reserve = 2'000};

  Spool open() {
    auto opened = Spool::open(kPath, vfs.name(), random);
    REQUIRE(opened.has_value());
    return std::move(*opened);
  }
  rt::Status append(int count, const wire::Clock* boot_stamp = nullptr) {
    auto records =
        readings(count, static_cast<std::int64_t>(next_seq) * 1'000'000'000'000LL, 7, boot_stamp);
    std::uint64_t seq = next_seq;
    for (SpoolRecord& record : records) record.name = {spool.live().id, seq++};
    age_ms += 1000;
    auto done = spool.append(records, age_ms);
    if (done) next_seq = seq;
    return done;
  }
  rt::Status settle(std::uint64_t first, std::uint64_t last, wire::Verdict verdict) {
    const wire::VerdictRange range{{spool.live().id, {first, last}}, verdict};
    return spool.settle({&range, 1}, next_seq);
  }
};

bool covers(const std::vector<wire::SeqRange>& ranges, std::uint64_t seq) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const auto& each) { return each.first <= seq && seq <= each.last; });
}

/// One operation at random; its status.
rt::Status act(SpoolBench& b, Dice& dice) {
  const std::uint64_t first = 1 + dice.below(b.next_seq), last = first + dice.below(4);
  switch (dice.below(10)) {
    case 0: return b.settle(first, last, wire::Verdict::kStored);
    case 1: return b.settle(first, last, wire::Verdict::kRefused);
    case 2: return b.settle(first, last, wire::Verdict::kQuarantined);
    case 3: {
      const wire::NameRange range{b.spool.live().id, {first, last}};
      const auto gone = b.spool.hold_again({&range, 1});
      return gone ? rt::ok() : rt::Status(gone.error());
    }
    case 4: {
      const auto freed = b.spool.evict_kept(dice.below(2000));
      return freed ? rt::ok() : rt::Status(freed.error());
    }
    case 5: {
      const auto shed = shed_for_space(b.spool, b.shed, 4000, {}, b.next_seq);
      return shed || shed.error().code == Errc::kFull ? rt::ok() : rt::Status(shed.error());
    }
    case 6: {
      const auto merged = merge_gaps(b.spool, b.shed.gap_reserve, {}, b.next_seq);
      return merged ? rt::ok() : rt::Status(merged.error());
    }
    case 7: {
      const wire::Name names[] = {{b.spool.live().id, first}, {b.spool.live().id, last}};
      return b.spool.rename(std::span(names).first(first == last ? 1 : 2), {}, b.random,
                            b.next_seq);
    }
    default: return b.append(static_cast<int>(1 + dice.below(50)));
  }
}

void check_recount(SpoolBench& b) {
  const SpoolTotals before = b.spool.totals();
  REQUIRE(b.spool.reload_totals().has_value());
  CHECK(before == b.spool.totals());
  CHECK(check_spool(b.spool.database()).has_value());
}

TEST_CASE("after any operations the totals are what a recount finds, and names are never reused") {
  for (const ShedPolicy policy :
       {ShedPolicy::kDropOldest, ShedPolicy::kThin, ShedPolicy::kDropNewest}) {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      INFO("policy ", static_cast<int>(policy), " seed ", seed);
      SpoolBench b;
      b.shed.policies = {policy};
      Dice dice(seed);
      for (int i = 0; i < 120; ++i) REQUIRE(act(b, dice).has_value());
      check_recount(b);
    }
  }
}

TEST_CASE("a failure at any call leaves file and memory as before") {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    for (std::uint64_t call = 1;; ++call) {
      INFO("seed ", seed, ", failure at call ", call);
      SpoolBench b;
      Dice dice(seed);
      for (int i = 0; i < 25; ++i) REQUIRE(act(b, dice).has_value());
      const SpoolTotals totals = b.spool.totals();
      const auto live = b.spool.live();
      const std::uint64_t next_seq = b.next_seq;
      b.disk.fail(
          {.answer = call % 2 == 0 ? sim::DiskAnswer::kFull : sim::DiskAnswer::kIo, .at = call});
      const auto done = act(b, dice);
      const bool fired = b.disk.failure_fired();
      b.disk.heal();
      if (!done && done.error().code != Errc::kFull) CHECK(done.error().code == Errc::kIo);
      // What evicts before it sheds does so in a transaction of its own: no record is lost by it.
      if (!done) {
        CHECK(b.spool.live().id == live.id);
        CHECK(b.spool.live().lease == live.lease);
        CHECK(b.next_seq == next_seq);
        CHECK(b.spool.totals().records_held == totals.records_held);
        CHECK(b.spool.totals().shed == totals.shed);
      }
      check_recount(b);
      REQUIRE(b.append(1).has_value());
      if (!fired) break;
    }
  }
}

TEST_CASE("names that shedding takes extend the lease when it is used up") {
  SpoolBench b;
  for (int i = 0; i < 20; ++i) REQUIRE(b.append(400).has_value());
  b.next_seq = b.spool.live().lease + 1;
  b.shed.bytes_max = 4'000;
  REQUIRE(shed_for_space(b.spool, b.shed, 0, {}, b.next_seq).has_value());
  CHECK(b.spool.live().lease == 2 * wire::kSeqLease);
  CHECK(b.next_seq == wire::kSeqLease + 2);
  REQUIRE(b.settle(wire::kSeqLease + 1, wire::kSeqLease + 1, wire::Verdict::kRefused).has_value());
  check_recount(b);
}

TEST_CASE("what is shed lies in a gap that is held, with its number") {
  SpoolBench b;
  for (int i = 0; i < 100; ++i) REQUIRE(b.append(10).has_value());
  const std::uint64_t names = b.next_seq - 1;
  const auto report = shed_for_space(b.spool, b.shed, 0, {}, b.next_seq);
  REQUIRE(report.has_value());
  CHECK(report->readings == report->names.size() * 10);
  CHECK(report->readings > 0);
  CHECK(b.spool.totals().readings_held + report->readings == 1000);
  const auto statement = b.spool.statement();
  REQUIRE(statement.has_value());
  for (std::uint64_t seq = 1; seq <= names; ++seq) CHECK(covers(statement->back().held, seq));
}

TEST_CASE("thinning keeps readings that belong to a boot apart, and says which boot") {
  SpoolBench b;
  b.shed.policies = {ShedPolicy::kThin};
  wire::Clock stamp;
  stamp.boot = {7};
  for (int i = 0; i < 200; ++i) REQUIRE(b.append(50, i % 2 == 0 ? &stamp : nullptr).has_value());
  REQUIRE(shed_for_space(b.spool, b.shed, 8'000, {}, b.next_seq).has_value());
  int of_boot = 0, of_none = 0;
  const auto thinned = b.spool.load_held(RecordClass::kReadings, RecordClass::kReadings, 200,
                                         std::numeric_limits<std::size_t>::max());
  REQUIRE(thinned.has_value());
  for (const SpoolRecord& record : *thinned) {
    const auto content = wire::decode_record(*record.body);
    REQUIRE(content.has_value());
    (content->boot_stamped ? of_boot : of_none) += 1;
    CHECK(content->stamp.boot == (content->boot_stamped ? stamp.boot : rt::BootId{}));
  }
  CHECK(of_boot >= 1);
  CHECK(of_none >= 1);
}

/// A record of readings every second whose values compress badly.
void append_noisy(SpoolBench& b, int count) {
  auto noisy = [state = std::uint64_t{b.next_seq}]() mutable {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return state;
  };
  auto lines = lines_of(count, static_cast<std::int64_t>(b.next_seq) * 1'000'000'000'000LL);
  for (std::uint64_t& value : lines.columns[0].values) value = noisy();
  wire::ReadingsBatch batch;
  batch.pieces.push_back(std::move(lines));
  auto records = encode(std::move(batch));
  records[0].name = {b.spool.live().id, b.next_seq};
  REQUIRE(b.spool.append(records, b.age_ms += 1000).has_value());
  b.next_seq += 1;
}

std::vector<SpoolRecord> held_readings(SpoolBench& b) {
  auto held = b.spool.load_held(RecordClass::kReadings, RecordClass::kReadings, 0,
                                std::numeric_limits<std::size_t>::max());
  REQUIRE(held.has_value());
  return std::move(*held);
}

TEST_CASE("thinned readings that are too many for one record go into several") {
  SpoolBench b;
  b.shed.policies = {ShedPolicy::kThin};
  b.shed.thin_window = rt::Seconds(6);
  b.shed.bytes_max = 800'000;
  for (int i = 0; i < 140; ++i) append_noisy(b, 1000);
  REQUIRE(spool_bytes(b.spool.totals()) > b.shed.bytes_max);
  const auto report = shed_for_space(b.spool, b.shed, 0, {}, b.next_seq);
  REQUIRE(report.has_value());
  CHECK(spool_bytes(b.spool.totals()) <= b.shed.bytes_max);
  CHECK(b.spool.totals().readings_held + report->readings == 140'000);
  int thinned = 0;
  for (const SpoolRecord& record : held_readings(b)) {
    CHECK(record.body->size() < wire::kEnvelopeBytesMax);
    thinned += record.name.seq > 140 ? 1 : 0;
    CHECK(wire::decode_record(*record.body).has_value());
  }
  CHECK(thinned > 1);
  check_recount(b);
}

TEST_CASE("where thinning frees nothing the oldest are dropped, and the bound holds") {
  SpoolBench b;
  b.shed.policies = {ShedPolicy::kThin};
  b.shed.thin_window = rt::Nanos(1);
  for (int i = 0; i < 300; ++i) REQUIRE(b.append(400).has_value());
  for (int write = 0; write < 5; ++write) {
    REQUIRE(shed_for_space(b.spool, b.shed, 2'000, {}, b.next_seq).has_value());
    CHECK(spool_bytes(b.spool.totals()) + 2'000 <= b.shed.bytes_max);
    for (int i = 0; i < 5; ++i) REQUIRE(b.append(400).has_value());
  }
  const auto held = held_readings(b);
  REQUIRE_FALSE(held.empty());
  CHECK(held.front().name.seq > 250);  // the oldest went
  CHECK(b.spool.totals().readings_held + b.spool.totals().shed == 325 * 400);
  check_recount(b);
}

TEST_CASE("more than the spool may hold is refused before anything is shed for it") {
  SpoolBench b;
  for (int i = 0; i < 10; ++i) REQUIRE(b.append(10).has_value());
  const auto shed = shed_for_space(b.spool, b.shed, b.shed.bytes_max + 1, {}, b.next_seq);
  CHECK(shed.error().code == Errc::kFull);
  CHECK(b.spool.totals().readings_held == 100);
}

TEST_CASE("what refuses to shed is kFull; what is too old is shed by the spool's own age") {
  SpoolBench b;
  b.shed.policies = {ShedPolicy::kDropNewest};
  for (int i = 0; i < 100; ++i) REQUIRE(b.append(10).has_value());
  const auto refused = shed_for_space(b.spool, b.shed, 0, {}, b.next_seq);
  CHECK(refused.error().code == Errc::kFull);
  b.shed.age_max_ms = 50'000;
  const auto aged = shed_by_age(b.spool, b.shed, b.age_ms, 1000, {}, b.next_seq);
  REQUIRE(aged.has_value());
  CHECK(aged->names.size() == 49);  // records got ages 1 s, 2 s … 100 s
  check_recount(b);
}

TEST_CASE("a class that the configuration has no longer is shed as the default, and ages") {
  SpoolBench b;
  for (int i = 0; i < 100; ++i) {
    auto records = readings(10, 0, 7);
    records[0].record_class = readings_class(3);
    records[0].name = {b.spool.live().id, b.next_seq++};
    REQUIRE(b.spool.append(records, b.age_ms += 1000).has_value());
  }
  REQUIRE(shed_for_space(b.spool, b.shed, 0, {}, b.next_seq).has_value());
  CHECK(spool_bytes(b.spool.totals()) <= b.shed.bytes_max);
  b.shed.age_max_ms = 5'000;
  const auto aged = shed_by_age(b.spool, b.shed, b.age_ms, 1000, {}, b.next_seq);
  REQUIRE(aged.has_value());
  CHECK(b.spool.totals().classes_held[3].records == 6);
}

TEST_CASE("thinned and renamed readings keep the age of what they come from") {
  SpoolBench b;
  b.shed.policies = {ShedPolicy::kThin};
  b.shed.bytes_max = 40'000;
  for (int i = 0; i < 200; ++i) REQUIRE(b.append(50).has_value());
  REQUIRE(shed_for_space(b.spool, b.shed, 0, {}, b.next_seq).has_value());
  CHECK(b.spool.oldest_held(RecordClass::kReadings, RecordClass::kReadings)->value().age_ms > 1000);
  const auto thinned = held_readings(b).back();
  REQUIRE(thinned.name.seq > 200);
  CHECK(thinned.age_ms < 200'000);
  const wire::Name name = held_readings(b).front().name;
  const std::uint64_t age_ms = held_readings(b).front().age_ms;
  REQUIRE(b.spool.rename({&name, 1}, {}, b.random, b.next_seq).has_value());
  CHECK(held_readings(b).back().age_ms == age_ms);
}

/// A gap record with names of its own that join no others.
void append_gap(SpoolBench& b, wire::GapCause cause, std::uint64_t first, int sets, int names = 1) {
  wire::Gap gap;
  gap.cause = cause;
  for (int i = 0; i < names; ++i) {
    const std::uint64_t seq = first + 2 * static_cast<std::uint64_t>(i);
    gap.names.push_back({{b.spool.live().id, {seq, seq}}, 3, true});
  }
  gap.sets_known = sets > 0;
  for (int i = 0; i < sets; ++i) gap.sets.push_back({first, static_cast<std::uint64_t>(i) + 1});
  gap.first_time = cause == wire::GapCause::kDamaged ? 0 : static_cast<std::int64_t>(first) * 1000;
  gap.last_time = cause == wire::GapCause::kDamaged ? 0 : gap.first_time + 10;
  REQUIRE(
      b.spool.transact([&] { return insert_gaps(b.spool, {gap}, {}, b.next_seq); }).has_value());
}

std::vector<wire::Gap> held_gaps(SpoolBench& b) {
  std::vector<wire::Gap> out;
  const auto held = b.spool.load_held(RecordClass::kGap, RecordClass::kGap, 0,
                                      std::numeric_limits<std::size_t>::max());
  REQUIRE(held.has_value());
  for (const SpoolRecord& record : *held) {
    const auto content = wire::decode_record(*record.body);
    REQUIRE(content.has_value());
    out.insert(out.end(), content->gaps.begin(), content->gaps.end());
  }
  return out;
}

TEST_CASE("merged gaps stay apart by cause, and keep sets and times that are known") {
  SpoolBench b;
  b.shed.gap_reserve = 500;
  append_gap(b, wire::GapCause::kShed, 1001, 1);
  append_gap(b, wire::GapCause::kAged, 2001, 1);
  append_gap(b, wire::GapCause::kShed, 3001, 1);
  append_gap(b, wire::GapCause::kDamaged, 4001, 0);
  REQUIRE(merge_gaps(b.spool, b.shed.gap_reserve, {}, b.next_seq).value());
  const auto gaps = held_gaps(b);
  REQUIRE(gaps.size() == 3);
  CHECK(gaps[0].cause == wire::GapCause::kShed);
  CHECK(gaps[0].sets == std::vector<wire::Hash128>{{1001, 1}, {3001, 1}});
  CHECK(gaps[0].sets_known);
  CHECK(gaps[0].first_time == 1'001'000);
  CHECK(gaps[0].last_time == 3'001'010);
  CHECK(gaps[1].cause == wire::GapCause::kAged);
  CHECK(gaps[1].first_time == 2'001'000);
  CHECK(gaps[2].cause == wire::GapCause::kDamaged);
  CHECK_FALSE(gaps[2].sets_known);
  CHECK(gaps[2].last_time == 0);
  check_recount(b);
}

TEST_CASE("a merged gap over more sets than a gap may list says that they are not known") {
  SpoolBench b;
  b.shed.gap_reserve = 500;
  append_gap(b, wire::GapCause::kShed, 1001, 200);
  append_gap(b, wire::GapCause::kShed, 2001, 200);
  REQUIRE(merge_gaps(b.spool, b.shed.gap_reserve, {}, b.next_seq).value());
  const auto gaps = held_gaps(b);
  REQUIRE(gaps.size() == 1);
  CHECK_FALSE(gaps[0].sets_known);
  CHECK(gaps[0].sets.empty());
}

TEST_CASE("what a rename finds damaged goes into gaps that a record can carry") {
  SpoolBench b;
  append_gap(b, wire::GapCause::kShed, 10'001, 0, 4000);
  append_gap(b, wire::GapCause::kShed, 20'001, 0, 4000);
  const std::vector<wire::Name> names = {{b.spool.live().id, 1}, {b.spool.live().id, 2}};
  REQUIRE(
      b.spool.database().execute("UPDATE record SET body = x'00' || substr(body, 2)").has_value());
  REQUIRE(b.spool.rename(names, {}, b.random, b.next_seq).has_value());
  std::size_t listed = 0;
  for (const wire::Gap& gap : held_gaps(b)) listed += gap.names.size();
  CHECK(listed == 8002);
}

TEST_CASE("the oldest held record is found among classes, and not among delivered ones") {
  SpoolBench b;
  const auto oldest = [&] {
    return b.spool.oldest_held(RecordClass::kReadings, kLastRecordClass).value();
  };
  CHECK_FALSE(oldest().has_value());
  for (int i = 0; i < 3; ++i) REQUIRE(b.append(1).has_value());
  CHECK(oldest()->age_ms == 1000);
  REQUIRE(b.settle(1, 2, wire::Verdict::kStored).has_value());
  CHECK(oldest()->age_ms == 3000);
  CHECK(oldest()->record_class == RecordClass::kReadings);
  CHECK_FALSE(b.spool.oldest_held(RecordClass::kGap, RecordClass::kLog).value().has_value());
}

TEST_CASE("an idempotency key is known for a day of the spool's age, written anew or not") {
  SpoolBench b;
  const Idempotency key{"k", 5};
  REQUIRE(b.spool.append({}, 1000, {.keys = {&key, 1}}).has_value());
  CHECK(b.spool.find_idempotency("k", 1000)->value() == 5);
  CHECK_FALSE(b.spool.find_idempotency("other", 1000)->has_value());
  CHECK(b.spool.find_idempotency("k", kDayMs + 1000)->has_value());
  CHECK_FALSE(b.spool.find_idempotency("k", kDayMs + 1001)->has_value());
  const Idempotency later{"later", 1};
  REQUIRE(b.spool.append({}, kDayMs, {.keys = {&later, 1}}).has_value());
  CHECK(b.spool.find_idempotency("k", kDayMs)->has_value());
  const Idempotency last{"last", 1};
  REQUIRE(b.spool.append({}, kDayMs + 2000, {.keys = {&last, 1}}).has_value());
  CHECK_FALSE(b.spool.find_idempotency("k", 1000)->has_value());
}

TEST_CASE("a spool whose coordinator was forgotten has no pin, and all its records") {
  SpoolBench b;
  REQUIRE(b.append(3).has_value());
  REQUIRE(b.spool.set_pin({{1, 2}, {}, 7}).has_value());
  REQUIRE(b.spool.set_fact("sampling", "{}").has_value());
  CHECK(load_pinned_store(kPath, b.vfs.name())->hex() == wire::Id128{1, 2}.hex());
  REQUIRE(forget_pin(kPath, b.vfs.name()).has_value());
  CHECK(load_pinned_store(kPath, b.vfs.name())->is_zero());
  Spool again = b.open();
  CHECK(again.pin().store_id.is_zero());
  CHECK(again.pin().generation == 0);
  CHECK(again.fact("sampling").value() == "");
  CHECK(again.totals() == b.spool.totals());
}

/// Marks, sheds and tells of it on a disk that has no byte left; how many of the calls failed.
int failures_on_full_disk(bool reserved) {
  SpoolBench b;
  b.shed.bytes_max = 1 << 20;
  if (reserved) REQUIRE(b.spool.reserve_space().has_value());
  for (int i = 0; i < 300; ++i) REQUIRE(b.append(400).has_value());
  b.disk.set_bytes_max(b.disk.bytes_used());
  int failures = 0;
  for (std::uint64_t seq = 1; seq <= 150; ++seq) {
    failures += b.settle(seq, seq, wire::Verdict::kStored) ? 0 : 1;
  }
  while (b.shed.bytes_max > 100'000) {
    b.shed.bytes_max = b.shed.bytes_max * 9 / 10;
    failures += shed_for_space(b.spool, b.shed, 0, {}, b.next_seq) ? 0 : 1;
  }
  CHECK((failures > 0 || spool_bytes(b.spool.totals()) <= b.shed.bytes_max));
  return failures;
}

TEST_CASE("on a full disk what was delivered is marked, and shedding goes on") {
  CHECK(failures_on_full_disk(true) == 0);
  CHECK(failures_on_full_disk(false) > 0);  // so the disk was full
}

TEST_CASE("space is set aside once, and again when it was used up") {
  SpoolBench b;
  const std::uint64_t before = b.disk.bytes_used();
  REQUIRE(b.spool.reserve_space().has_value());
  const std::uint64_t once = b.disk.bytes_used();
  CHECK(once > before + (2 << 20));
  REQUIRE(b.spool.reserve_space().has_value());
  CHECK(b.disk.bytes_used() == once);
}

/// One record under the first name of `spool`'s live incarnation.
wire::Name append_one(Spool& spool) {
  std::vector<SpoolRecord> records = readings(10, 0, 7, nullptr);
  records.resize(1);
  records[0].name = {spool.live().id, 1};
  return spool.append(records, 1) ? records[0].name : wire::Name{};
}

TEST_CASE("what is on disk after a failed fsync and a new start is there after a power cut") {
  Dice dice(7);
  for (int round = 0; round < 20; ++round) {
    sim::SimDisk disk;
    sim::SimVfs vfs{disk, "fsync-test"};
    sim::SimRandom random{Dice(3)};
    const auto open = [&] { return Spool::open(kPath, vfs.name(), random); };
    {
      auto spool = open();
      REQUIRE(spool);
      sim::DiskFailure failure;
      failure.answer = sim::DiskAnswer::kIo;
      failure.calls = static_cast<unsigned>(sim::DiskCall::kSync);
      failure.for_ever = true;
      disk.fail(failure);
      CHECK(append_one(*spool) == wire::Name{});
      disk.stop();  // killed: what was written and not synced stays in the page cache
    }
    disk.restart_after_kill();
    disk.heal();
    wire::Name name;
    {
      auto spool = open();
      REQUIRE(spool);
      name = append_one(*spool);
      CHECK(name.seq == 1);
      disk.stop();
    }
    disk.restart_after_power_cut(dice);
    auto spool = open();
    REQUIRE(spool);
    CHECK(spool->load(name).has_value());
  }
}

}  // namespace
}  // namespace fieldpost::agent
