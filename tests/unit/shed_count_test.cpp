// What is lost is counted once, and alike at both ends: the spool sheds, the coordinator's own
// ingest takes what it tells [shed-1].
#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "agent/spool/shedding.h"
#include "agent/spool/spool.h"
#include "proto/wire/batch_encoder.h"
#include "tests/support/store_world.h"

namespace fieldpost::agent {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr auto kAll = std::numeric_limits<std::size_t>::max();

/// A spool, and the store that its records go to.
class BothEnds {
 public:
  BothEnds() {
    const auto entered = store_.ledger().enter(store_.node(), spool_.live().id, 0, 1, {1});
    REQUIRE(entered.has_value());
  }

  /// One record of `count` readings, one a second from `first` on.
  void accept(int count, std::int64_t first) {
    wire::ParsedLines lines;
    lines.keys = {"m v i"};
    lines.types = {wire::ValueType::kI64};
    lines.columns.resize(1);
    for (int i = 0; i < count; ++i) {
      lines.columns[0].times.push_back((first + i) * kSecond);
      lines.columns[0].values.push_back(dice_.below(1'000'000'000));
    }
    lines.readings = static_cast<std::size_t>(count);
    wire::BatchEncoder encoder{wire::EncoderOptions{}};
    const auto encoded =
        encoder.encode({.pieces = {std::move(lines)}, .boot_pieces = {}, .stamp = {}});
    REQUIRE(encoded.has_value());
    SpoolRecord record = make_spool_record(encoded->at(0).record, RecordClass::kReadings);
    record.definition = std::make_shared<const std::string>(encoded->at(0).set->encode());
    record.name = {spool_.live().id, next_seq_++};
    REQUIRE(spool_.append({&record, 1}, 1000).has_value());
    accepted_ += count;
  }
  /// Down to part of what the spool has.
  void thin(int window_s) { shed(ShedPolicy::kThin, rt::Seconds(window_s)); }
  void drop() { shed(ShedPolicy::kDropOldest, rt::Seconds(60)); }
  void drop_all() {
    ShedOptions options;
    options.age_max_ms = 1;
    REQUIRE(shed_by_age(spool_, options, 100'000, 1000, {}, next_seq_).has_value());
  }

  std::vector<SpoolRecord> held(RecordClass from, RecordClass to) {
    auto held = spool_.load_held(from, to, 0, kAll);
    REQUIRE(held.has_value());
    return std::move(*held);
  }
  void deliver_gaps() { deliver(RecordClass::kGap, RecordClass::kGap); }
  void deliver_all() {
    deliver_gaps();
    deliver(RecordClass::kReadings, RecordClass::kReadings);
  }
  /// The readings arrive, and the node does not hear of it.
  void deliver_in_silence() { send(RecordClass::kReadings, RecordClass::kReadings); }

  std::int64_t counted_lost() { return store_.number("SELECT sum(readings) FROM gap").value_or(0); }
  std::int64_t stored() { return store_.number("SELECT sum(delivered) FROM node").value_or(0); }
  std::int64_t shed() { return static_cast<std::int64_t>(spool_.totals().shed); }
  [[nodiscard]] std::int64_t accepted() const { return accepted_; }

 private:
  Spool open() {
    auto opened = Spool::open("/spool/spool.db", vfs_.name(), random_);
    REQUIRE(opened.has_value());
    return std::move(*opened);
  }
  void shed(ShedPolicy policy, rt::Nanos window) {
    ShedOptions options;
    options.policies = {policy};
    options.thin_window = window;
    options.bytes_max = spool_bytes(spool_.totals()) * 7 / 10;
    REQUIRE(shed_for_space(spool_, options, 0, {}, next_seq_).has_value());
  }
  std::vector<wire::VerdictRange> send(RecordClass from, RecordClass to) {
    std::vector<coordinator::Arrival> arrivals;
    for (const SpoolRecord& record : held(from, to)) {
      coordinator::Arrival arrival;
      arrival.node = "n1";
      arrival.envelope.name = record.name;
      arrival.envelope.record = *record.body;
      if (record.definition) arrival.envelope.definitions = {*record.definition};
      arrivals.push_back(std::move(arrival));
    }
    const auto settled = store_.ingest().commit(arrivals, test::kStoreNow);
    REQUIRE(settled.has_value());
    std::vector<wire::VerdictRange> verdicts;
    for (const coordinator::Settled& each : *settled) {
      verdicts.push_back({{each.name.incarnation, {each.name.seq, each.name.seq}}, each.verdict});
    }
    return verdicts;
  }
  void deliver(RecordClass from, RecordClass to) {
    REQUIRE(spool_.settle(send(from, to), next_seq_).has_value());
  }

  sim::SimDisk disk_;
  sim::SimVfs vfs_{disk_, "both-ends"};
  sim::SimRandom random_{sim::Dice(3)};
  Spool spool_ = open();
  sim::Dice dice_{5};
  std::uint64_t next_seq_ = 1;
  std::int64_t accepted_ = 0;
  test::StoreWorld store_;
};

/// Accepts, and sheds in several steps; each time thinned readings are among those thinned.
void accept_and_thin(
    BothEnds& ends, const std::function<void()>& after_each = [] {}) {
  for (int record = 0; record < 20; ++record) ends.accept(100, record * 100);
  for (const int window : {10, 50, 200, 1000}) {
    const std::int64_t before = ends.shed();
    ends.thin(window);
    REQUIRE(ends.shed() > before);
    after_each();
  }
}

}  // namespace

TEST_CASE("what is thinned again and again and then shed is counted alike at both ends") {
  for (const bool at_once : {false, true}) {
    for (const int fate : {0, 1, 2}) {
      INFO("gaps delivered at once: ", at_once, ", in the end: ", fate);
      BothEnds ends;
      accept_and_thin(ends, [&] {
        if (at_once) ends.deliver_gaps();
      });
      REQUIRE_FALSE(ends.held(RecordClass::kReadings, RecordClass::kReadings).empty());
      if (fate == 1) ends.drop();
      if (fate == 2) ends.drop_all();
      ends.deliver_all();
      CHECK(ends.counted_lost() == ends.shed());
      CHECK(ends.stored() + ends.counted_lost() == ends.accepted());
    }
  }
}

TEST_CASE("a thinned record that is shed counts nothing of what had arrived before") {
  BothEnds ends;
  for (int record = 0; record < 20; ++record) ends.accept(100, record * 100);
  ends.deliver_in_silence();
  for (const int window : {10, 50, 200, 1000}) ends.thin(window);
  ends.drop_all();
  ends.deliver_all();
  CHECK(ends.counted_lost() == 0);
  CHECK(ends.stored() == ends.accepted());
}

TEST_CASE("thinned readings that take several records are counted alike at both ends") {
  BothEnds ends;
  for (int record = 0; record < 60; ++record) ends.accept(4000, record * 4000);
  for (const int window : {5, 20, 100}) ends.thin(window);
  CHECK(ends.held(RecordClass::kReadings, RecordClass::kReadings).size() > 1);
  ends.drop();
  ends.deliver_all();
  CHECK(ends.counted_lost() == ends.shed());
  CHECK(ends.stored() + ends.counted_lost() == ends.accepted());
}

}  // namespace fieldpost::agent
