// The spool and what sheds from it, on the simulated disk.
#include "agent/spool/spool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "agent/spool/forget_pin.h"
#include "agent/spool/shedding.h"
#include "agent/spool/spool_check.h"
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

/// `boot_stamp`: readings that belong to its boot.
std::vector<SpoolRecord> readings(int count, std::int64_t first_time, std::int64_t value,
                                  const wire::Clock* boot_stamp = nullptr) {
  static wire::BatchEncoder encoder{wire::EncoderOptions{}};
  wire::ParsedLines lines;
  lines.keys = {"m v i"};
  lines.types = {wire::ValueType::kI64};
  lines.columns.resize(1);
  for (int i = 0; i < count; ++i) {
    lines.columns[0].times.push_back(first_time + i * 1'000'000'000LL);
    lines.columns[0].values.push_back(static_cast<std::uint64_t>(value + i));
  }
  lines.readings = lines.lines_stored = static_cast<std::size_t>(count);
  wire::ReadingsBatch batch;
  if (boot_stamp != nullptr) batch.stamp = *boot_stamp;
  (boot_stamp != nullptr ? batch.boot_pieces : batch.pieces).push_back(std::move(lines));
  const auto encoded = encoder.encode(std::move(batch));
  REQUIRE(encoded.has_value());
  std::vector<SpoolRecord> out;
  for (const auto& each : *encoded) {
    out.push_back(make_spool_record(each.record, readings_class(each.class_index)));
    out.back().definition = std::make_shared<const std::string>(each.set->encode());
  }
  return out;
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
      return b.spool.hold_again({&range, 1});
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
      const auto merged = merge_gaps(b.spool, b.shed, {}, b.next_seq);
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
  CHECK(of_boot == 1);
  CHECK(of_none == 1);
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
  REQUIRE(b.spool.append({}, 1000, {&key, 1}).has_value());
  CHECK(b.spool.find_idempotency("k", 1000)->value() == 5);
  CHECK_FALSE(b.spool.find_idempotency("other", 1000)->has_value());
  CHECK(b.spool.find_idempotency("k", kDayMs + 1000)->has_value());
  CHECK_FALSE(b.spool.find_idempotency("k", kDayMs + 1001)->has_value());
  const Idempotency later{"later", 1};
  REQUIRE(b.spool.append({}, kDayMs, {&later, 1}).has_value());
  CHECK(b.spool.find_idempotency("k", kDayMs)->has_value());
  const Idempotency last{"last", 1};
  REQUIRE(b.spool.append({}, kDayMs + 2000, {&last, 1}).has_value());
  CHECK_FALSE(b.spool.find_idempotency("k", 1000)->has_value());
}

TEST_CASE("a spool whose coordinator was forgotten has no pin, and all its records") {
  SpoolBench b;
  REQUIRE(b.append(3).has_value());
  REQUIRE(b.spool.set_pin({{1, 2}, {}, 7}).has_value());
  CHECK(load_pinned_store(kPath, b.vfs.name())->hex() == wire::Id128{1, 2}.hex());
  REQUIRE(forget_pin(kPath, b.vfs.name()).has_value());
  CHECK(load_pinned_store(kPath, b.vfs.name())->is_zero());
  const Spool again = b.open();
  CHECK(again.pin().store_id.is_zero());
  CHECK(again.pin().generation == 0);
  CHECK(again.totals() == b.spool.totals());
}

}  // namespace
}  // namespace fieldpost::agent
