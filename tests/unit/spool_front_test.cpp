// What the front keeps in memory, writes, refuses and states, on the simulated disk.
#include "agent/spool/spool_front.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/sample_bodies.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_log.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_random.h"
#include "tests/support/sim/sim_vfs.h"
#include "tests/support/sim/sim_worker.h"
#include "tests/support/sim/sim_world.h"

using namespace std::chrono_literals;  // NOLINT
using namespace fieldpost;             // NOLINT
using namespace fieldpost::agent;      // NOLINT
using rt::Errc;

namespace {

constexpr const char* kPath = "/spool/spool.db";

struct Sink final : RecordSink {
  std::vector<SpoolRecord> records;
  int outdated = 0;
  void on_record(const SpoolRecord& record, bool) override { records.push_back(record); }
  void on_spooled(const wire::Name&) override {}
  void on_marked(const std::vector<wire::NameRange>&) override {}
  void on_statement_outdated(const std::string&) override { outdated += 1; }
};

struct Bench {
  explicit Bench(ShedOptions shed = {}) { options.shed = std::move(shed); }

  sim::SimWorld world{1};
  sim::SimDisk disk;
  sim::SimVfs vfs{disk, "front-test"};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "host"};
  sim::SimRandom random{sim::Dice(3)};
  sim::SimWorker store{loop, sim::Dice(4)}, encoder{loop, sim::Dice(5)};
  sim::SimLog log{world, "agent"};
  SpoolFrontOptions options{.encoder = {.classes = {{"cold", 1}}}};
  Sink sink;
  wire::LineParser parser;
  std::uint64_t bodies = 0;
  std::unique_ptr<SpoolFront> front;

  SpoolFront& start() {
    front = std::make_unique<SpoolFront>(loop, clock, random, store, encoder, log, options, open());
    front->set_sink(&sink);
    front->set_linked(true);
    return *front;
  }
  Spool open() {
    auto spool = Spool::open(kPath, vfs.name(), random);
    REQUIRE(spool.has_value());
    return std::move(*spool);
  }
  wire::ParsedLines parse(const std::string& text) {
    return parser.parse(text, {.precision = {}, .now = {777}, .tags = {}});
  }
  void sample(const std::string& text) {
    front->accept_sampled(parse(text));
    world.run_for(200ms);
  }
  /// The answer, kBusy while there is none.
  rt::Status write(const std::string& text) {
    auto status = std::make_shared<rt::Status>(rt::Error{Errc::kBusy, "not answered"});
    front->accept_durable(parse(text), {}, [status](const rt::Result<Accepted>& done) {
      *status = done ? rt::ok() : rt::Status(done.error());
    });
    world.run_for(500ms);
    return *status;
  }
  rt::Status append_event(std::size_t bytes) {
    wire::Record record;
    record.kind = static_cast<std::uint16_t>(wire::RecordKind::kEvent);
    record.payload.assign(bytes, 'e');
    record.raw_size = static_cast<std::uint32_t>(bytes);
    auto status = std::make_shared<rt::Status>(rt::Error{Errc::kBusy, "not answered"});
    front->append_record(record, RecordClass::kEvent, [status](rt::Status s) { *status = s; });
    world.run_for(500ms);
    return *status;
  }
  rt::Status append_fragments(int count) {
    std::vector<wire::Record> records;
    for (int i = 0; i < count; ++i) {
      records.push_back(test::fragment_record(
          test::fragments_of(test::body_bytes(wire::kFragmentBytes, ++bodies)).front()));
      records.back().first_time = records.back().last_time = 77;
    }
    auto status = std::make_shared<rt::Status>(rt::Error{Errc::kBusy, "not answered"});
    front->accept_fragments(std::move(records), [status](rt::Status s) { *status = s; });
    world.run_for(500ms);
    return *status;
  }
  SpoolFront::Statement state() {
    SpoolFront::Statement out;
    front->take_statement([&](rt::Result<SpoolFront::Statement> taken) {
      REQUIRE(taken.has_value());
      out = std::move(*taken);
    });
    world.run_for(100ms);
    return out;
  }
  /// Names of the live incarnation, stored.
  void deliver(std::uint64_t first, std::uint64_t last) {
    front->settle({{{front->live().id, {first, last}}, wire::Verdict::kStored}});
    world.run_for(1s);
  }
};

/// Lines that compress badly, about eight bytes each.
std::string noisy_lines(const std::string& measurement, int count) {
  static std::uint64_t state = 1;
  std::string lines;
  for (int i = 0; i < count; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    lines += measurement + " v=" + std::to_string(static_cast<std::int64_t>(state)) + "i " +
             std::to_string(i + 1) + '\n';
  }
  return lines;
}

/// One reading whose record takes about 45 KB.
const std::string& large_line() {
  static const std::string line = [] {
    sim::Dice dice(9);
    std::string text(60'000, ' ');
    for (char& c : text) c = static_cast<char>('A' + dice.below(26));
    return "m s=\"" + text + "\" 5\n";
  }();
  return line;
}

}  // namespace

TEST_CASE("delivered records that have to go while a hello is unanswered outdate it") {
  Bench bench({.bytes_max = 40'000});
  SpoolFront& front = bench.start();
  for (int i = 0; i < 3; ++i) REQUIRE(bench.write(noisy_lines("m", 1000)).has_value());
  bench.deliver(1, 3);
  REQUIRE(front.totals().records_kept == 3);
  REQUIRE(bench.write(noisy_lines("m", 1000)).has_value());
  REQUIRE(bench.write(noisy_lines("m", 1000)).has_value());
  CHECK(front.totals().records_kept < 3);
  CHECK(bench.sink.outdated == 0);  // no hello was open
  REQUIRE(front.totals().records_kept > 0);
  CHECK(bench.state().back().kept.size() == 1);
  REQUIRE(bench.write(noisy_lines("m", 1000)).has_value());
  REQUIRE(bench.write(noisy_lines("m", 1000)).has_value());
  CHECK(bench.sink.outdated > 0);
}

TEST_CASE("names that the store lacks and the spool does not have any more are told") {
  Bench bench;
  SpoolFront& front = bench.start();
  for (int i = 0; i < 3; ++i) REQUIRE(bench.write("m v=1 5\n").has_value());
  bench.deliver(1, 3);
  front.with_spool(
      [](Spool& spool) {
        const auto freed = spool.evict_kept(1);
        return freed ? rt::ok() : rt::Status(freed.error());
      },
      [](const rt::Status& done) { CHECK(done.has_value()); });
  bench.world.run_for(100ms);
  wire::Welcome welcome;
  welcome.missing = {{front.live().id, {1, 3}}};
  std::uint64_t gone = 0;
  front.apply_welcome(welcome, front.pin(), [&](rt::Result<WelcomeOutcome> outcome) {
    REQUIRE(outcome.has_value());
    gone = outcome->gone;
  });
  bench.world.run_for(100ms);
  CHECK(gone == 1);
  CHECK(front.totals().records_held == 2);
}

TEST_CASE("in a full spool that sheds nothing, events and gaps still get in") {
  Bench bench({.bytes_max = 40'000, .policies = {ShedPolicy::kDropNewest}});
  bench.options.memory_bytes_max = 400'000;
  SpoolFront& front = bench.start();
  int written = 0;
  while (written < 100 && bench.write(noisy_lines("m", 1000)).has_value()) written += 1;
  REQUIRE(written < 100);
  CHECK(front.totals().shed == 0);
  CHECK(bench.write(noisy_lines("m", 1000)).error().code == Errc::kFull);
  CHECK(bench.append_event(30'000).has_value());
  CHECK(bench.append_event(30'000).has_value());
  // Sampled readings that find no room are lost from memory at its bound, under a gap.
  for (int i = 0; i < 20; ++i) bench.sample(large_line());
  bench.world.run_for(5s);
  CHECK(front.shed() > 0);
  CHECK(front.totals().shed == front.shed());  // all of them lie in gaps on disk
  CHECK(front.totals().gap_bytes_held > 0);
}

TEST_CASE("events wait at their bound, and are taken again when some were delivered") {
  Bench bench({.event_reserve = 20'000});
  SpoolFront& front = bench.start();
  std::uint64_t count = 0;
  while (count < 10 && bench.append_event(5'000).has_value()) count += 1;
  CHECK(count == 3);
  CHECK(bench.append_event(5'000).error().code == Errc::kBusy);
  CHECK(bench.write("m v=1 5\n").has_value());
  bench.deliver(1, count);
  CHECK(bench.append_event(5'000).has_value());
  CHECK(front.totals().event_bytes_held < 20'000);
}

TEST_CASE("what memory gathered goes to a small spool in pieces that it can hold") {
  Bench bench({.bytes_max = 100'000});
  SpoolFront& front = bench.start();
  bench.disk.fail({.answer = sim::DiskAnswer::kIo, .at = 1, .for_ever = true});
  for (int i = 0; i < 4; ++i) bench.sample(large_line());
  bench.world.run_for(3s);
  REQUIRE(front.readings_in_memory() == 4);
  bench.disk.heal();
  bench.world.run_for(5s);
  CHECK(front.readings_in_memory() == 0);
  CHECK(front.totals().readings_held > 0);
  CHECK(front.totals().readings_held + front.totals().shed == 4);
}

TEST_CASE("delivered events go when they are over the bound, though no readings come") {
  Bench bench({.bytes_max = 40'000});
  SpoolFront& front = bench.start();
  for (std::uint64_t i = 1; i <= 12; ++i) {
    REQUIRE(bench.append_event(10'000).has_value());
    bench.deliver(i, i);
  }
  CHECK(spool_bytes(front.totals()) <= 60'000);
}

TEST_CASE("a class that drops the newest does not displace the readings of others") {
  Bench bench(
      {.bytes_max = 100'000, .policies = {ShedPolicy::kDropOldest, ShedPolicy::kDropNewest}});
  SpoolFront& front = bench.start();
  for (int i = 0; i < 20; ++i) REQUIRE(bench.write(noisy_lines("m", 1000)).has_value());
  const std::uint64_t shed = front.totals().shed;
  CHECK(shed > 0);
  for (int i = 0; i < 20; ++i) {
    CHECK(bench.write(noisy_lines("cold", 100)).error().code == Errc::kFull);
  }
  CHECK(front.totals().shed == shed);
  CHECK(bench.write(noisy_lines("m", 1000)).has_value());
  CHECK(front.totals().classes_held[1].records == 0);
}

TEST_CASE("readings that cannot be written stay within the bound of memory, the rest is a gap") {
  Bench bench;
  bench.options.memory_bytes_max = 400'000;
  SpoolFront& front = bench.start();
  bench.disk.fail({.answer = sim::DiskAnswer::kIo, .at = 1, .for_ever = true});
  for (int i = 0; i < 20; ++i) bench.sample(large_line());
  bench.world.run_for(5s);
  CHECK(front.readings_in_memory() < 12);
  CHECK(front.readings_in_memory() + front.shed() == 20);
  bench.disk.heal();
  bench.world.run_for(10s);
  CHECK(front.readings_in_memory() == 0);
  CHECK(front.totals().readings_held + front.totals().shed == 20);
  CHECK(front.accepted() == 20);
}

TEST_CASE("readings that went before they had a name are counted under one of their own") {
  Bench bench;
  bench.options.ready_bytes_max = 400'000;
  SpoolFront& front = bench.start();
  // While a welcome goes to the disk there are no names.
  bench.store.set_delays({.job_most = 1min, .done_most = 1ms});
  bool on_disk = false;
  front.apply_welcome({}, front.pin(), [&](const auto&) { on_disk = true; });
  for (int i = 0; i < 20; ++i) bench.sample(large_line());
  REQUIRE_FALSE(on_disk);
  const std::uint64_t lost = front.shed();
  CHECK(lost > 5);
  CHECK(front.accepted() == 0);
  bench.store.set_delays({});
  bench.world.run_for(1min);
  CHECK(front.accepted() == 20);
  CHECK(front.totals().readings_held == 20 - lost);
  CHECK(front.totals().shed == lost);  // the gap is on disk
}

TEST_CASE("a clean stop writes what is only in memory to the spool") {
  Bench bench;
  bench.start();
  bench.sample("m v=1 5\n");
  bench.sample("m v=2 6\n");
  REQUIRE(bench.front->readings_in_memory() == 2);
  REQUIRE(bench.front->totals().readings_held == 0);
  REQUIRE(bench.front->save_memory().has_value());
  bench.front.reset();
  const Spool again = bench.open();
  CHECK(again.totals().readings_held == 2);
  CHECK(again.totals().accepted == 2);
}

TEST_CASE("every reading that got a name counts as accepted, written or not") {
  Bench bench;
  SpoolFront& front = bench.start();
  bench.sample("m v=1 5\nm v=2 6\n");
  CHECK(front.accepted() == 2);
  CHECK(front.totals().accepted == 0);  // no write was needed for it
  bench.deliver(1, 1);
  CHECK(front.readings_in_memory() == 0);
  REQUIRE(bench.write("m v=3 7\n").has_value());
  CHECK(front.accepted() == 3);
  CHECK(front.totals().accepted == 3);
  bench.sample("m v=4 8\n");
  bench.world.run_for(5s);  // now it is on disk, and still one
  CHECK(front.totals().readings_held == 2);
  CHECK(front.accepted() == 4);
  CHECK(front.totals().accepted == 4);
}

TEST_CASE("fragments take half of the spool at most, and readings are shed, not they") {
  Bench bench({.bytes_max = 400'000});
  SpoolFront& front = bench.start();
  CHECK(front.body_room().bytes_max == 200'000);
  REQUIRE(bench.append_fragments(2).has_value());
  CHECK(front.body_room().bytes_free < 10'000);
  const auto third = bench.append_fragments(1);
  REQUIRE(!third.has_value());
  CHECK(third.error().code == Errc::kFull);
  for (int i = 0; i < 8; ++i) CHECK(bench.write(large_line()).has_value());
  CHECK(front.totals().bodies_held.records == 2);
  CHECK(front.shed() > 0);
  bench.deliver(1, 2);
  CHECK(bench.append_fragments(2).has_value());
}

TEST_CASE("no reading is shed for fragments, and what is delivered makes room for them") {
  Bench bench({.bytes_max = 400'000});
  SpoolFront& front = bench.start();
  std::uint64_t written = 0;
  for (; held_bytes(front.totals()) < 310'000; ++written) {
    REQUIRE(bench.write(large_line()).has_value());
  }
  const auto refused = bench.append_fragments(1);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == Errc::kFull);
  CHECK(front.shed() == 0);
  CHECK(front.totals().readings_held == written);
  bench.deliver(1, written);
  CHECK(bench.append_fragments(2).has_value());
  CHECK(front.totals().bodies_held.records == 2);
}

TEST_CASE("fragments that pass the age bound lie in a gap that counts them, and no readings") {
  Bench bench({.age_max_ms = 60'000});
  SpoolFront& front = bench.start();
  REQUIRE(bench.append_fragments(3).has_value());
  bench.world.run_for(2s);
  CHECK(front.oldest_age_ms() > 0);
  bench.world.run_for(3min);
  CHECK(front.totals().bodies_held.records == 0);
  CHECK(front.shed() == 0);
  std::vector<SpoolRecord> held;
  front.load_held(RecordClass::kGap, RecordClass::kGap, 0, 1 << 20,
                  [&](rt::Result<std::vector<SpoolRecord>> loaded) { held = *loaded; });
  bench.world.run_for(100ms);
  REQUIRE(held.size() == 1);
  const auto record = wire::decode_record(*held.front().body);
  REQUIRE(record.has_value());
  REQUIRE(record->gaps.size() == 1);
  const wire::Gap& gap = record->gaps.front();
  CHECK(gap.fragments == 3);
  CHECK(gap.cause == wire::GapCause::kAged);
  CHECK(gap.first_time == 77);
  CHECK(!gap.sets_known);
  REQUIRE(gap.names.size() == 1);
  CHECK(gap.names.front().names.seqs == wire::SeqRange{1, 3});
  CHECK(gap.names.front().each == 0);
}
