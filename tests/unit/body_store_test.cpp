// Bodies at the coordinator: fragments as they come, files of whole ones, and what crashes leave.
#include "coordinator/store/body_store.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "coordinator/store/blob_path.h"
#include "tests/support/sample_bodies.h"
#include "tests/support/store_records.h"
#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using coordinator::Arrival;
using coordinator::BodyStore;
using wire::Verdict;

constexpr std::uint64_t kTwo = wire::kFragmentBytes + 10;  ///< a body of two fragments
constexpr std::int64_t kDayNs = 86'400'000'000'000;

struct World {
  explicit World(coordinator::BodyLimits limits = {}) : store(kStoreNow, options(limits)) {}
  static coordinator::StoreOptions options(const coordinator::BodyLimits& limits) {
    coordinator::StoreOptions out;
    out.bodies = limits;
    return out;
  }

  coordinator::Settled take(const wire::Record& record, rt::UnixTime now = kStoreNow) {
    const auto settled = store.ingest().commit({arrival(++seq, record)}, now);
    REQUIRE_MESSAGE(settled, settled.error().message);
    return settled->front();
  }
  coordinator::Settled take(const wire::Fragment& fragment, rt::UnixTime now = kStoreNow) {
    return take(fragment_record(fragment), now);
  }
  void take_all(const std::string& bytes) {
    for (const wire::Fragment& each : fragments_of(bytes)) {
      CHECK(take(each).verdict == Verdict::kStored);
    }
  }
  /// Steps until nothing is left to do; what each told.
  std::vector<BodyStore::Step> work() {
    std::vector<BodyStore::Step> out;
    for (bool more = true; more;) {
      auto step = store.store().bodies().step(kStoreNow);
      REQUIRE_MESSAGE(step, step.error().message);
      more = step->more;
      out.push_back(std::move(*step));
    }
    return out;
  }
  std::string file(const std::string& bytes) {
    const auto read =
        store.files().read(coordinator::blob_path("/blobs", wire::sha256(bytes)), 0, 1 << 30);
    return read ? *read : read.error().message;
  }
  /// Stored as a file, and nothing else is left of it.
  void check_stored(const std::string& bytes) {
    const bool same = file(bytes) == bytes;
    CHECK(same);
    CHECK(store.number("SELECT count(*) FROM blob WHERE missing = 0") == 1);
    CHECK(store.number("SELECT count(*) FROM body") == 0);
    CHECK(store.number("SELECT count(*) FROM fragment") == 0);
    CHECK(store.number("SELECT count(*) FROM body_gone") == 0);
    for (const std::string& path : store.disk().paths()) CHECK(!path.ends_with(".part"));
  }

  StoreWorld store;
  std::uint64_t seq = 0;
};

/// A body whose file lies in this directory.
std::string body_in(const std::string& directory) {
  for (std::uint64_t seed = 0;; ++seed) {
    std::string bytes = body_bytes(100, seed);
    if (wire::sha256(bytes).hex().starts_with(directory)) return bytes;
  }
}

}  // namespace

TEST_CASE("a body becomes a file when its last fragment is there, in whatever order they come") {
  World world;
  const std::string bytes = body_bytes(2 * wire::kFragmentBytes + 7, 1);
  auto fragments = fragments_of(bytes);
  REQUIRE(fragments.size() == 3);
  std::swap(fragments[0], fragments[2]);
  CHECK(world.take(fragments[0]).verdict == Verdict::kStored);
  CHECK(world.take(fragments[1]).verdict == Verdict::kStored);
  CHECK(world.take(fragments[1]).verdict == Verdict::kStored);  // under another name
  world.work();
  CHECK(world.store.number("SELECT count(*) FROM blob") == 0);
  CHECK(world.take(fragments[2]).verdict == Verdict::kStored);
  const auto steps = world.work();
  const bool told = std::any_of(steps.begin(), steps.end(), [&](const BodyStore::Step& step) {
    return step.stored == wire::sha256(bytes);
  });
  CHECK(told);
  world.check_stored(bytes);
  CHECK(world.store.text("SELECT type FROM blob") == "image/jpeg");
}

TEST_CASE("a body larger than a step becomes a file in steps") {
  World world;
  const std::string bytes = body_bytes(9 << 20, 2);
  world.take_all(bytes);
  CHECK(world.work().size() > 256 + 4);
  world.check_stored(bytes);
}

TEST_CASE("a fragment of a body that is a file already leaves nothing") {
  World world;
  const std::string bytes = body_bytes(kTwo, 3);
  world.take_all(bytes);
  world.work();
  world.take_all(bytes);
  world.work();
  world.check_stored(bytes);
}

TEST_CASE("a power cut at any write on the way to the file leaves the body whole") {
  const std::string bytes = body_bytes(kTwo, 4);
  for (std::uint64_t call = 1;; ++call) {
    INFO("cut at changing call ", call);
    World world;
    world.take_all(bytes);
    world.store.disk().stop_at(call);
    for (int steps = 0; steps < 300 && !world.store.disk().is_stopped(); ++steps) {
      (void)world.store.store().bodies().step(kStoreNow);
    }
    const bool finished = !world.store.disk().is_stopped();
    world.store.power_cut(kStoreNow);
    world.store.disk().heal();
    world.work();
    world.check_stored(bytes);
    if (finished) break;
  }
}

TEST_CASE("a failing write on the way to the file is tried again") {
  const std::string bytes = body_bytes(kTwo, 5);
  for (std::uint64_t call = 1;; ++call) {
    INFO("failing changing call ", call);
    World world;
    world.take_all(bytes);
    world.store.disk().fail({.at = call});
    bool failed = false;
    for (int steps = 0; steps < 300; ++steps) {
      failed = !world.store.store().bodies().step(kStoreNow) || failed;
    }
    const bool fired = world.store.disk().failure_fired();
    world.store.disk().heal();
    world.work();
    world.check_stored(bytes);
    if (!fired) break;
  }
}

TEST_CASE("bytes that are not those of the hash are dropped, and the right ones taken afterwards") {
  World world;
  const std::string bytes = body_bytes(kTwo, 6);
  auto fragments = fragments_of(bytes);
  auto wrong = fragments;
  wrong[1].bytes[3] ^= 1;
  for (const auto& each : wrong) world.take(each);
  const auto steps = world.work();
  const bool told = std::any_of(steps.begin(), steps.end(), [&](const BodyStore::Step& step) {
    return step.broken == wire::sha256(bytes) && step.node == world.store.node();
  });
  CHECK(told);
  CHECK(world.store.number("SELECT fragments FROM gap WHERE state = 2 AND node_no = 1") == 2);
  CHECK(world.store.number("SELECT count(*) FROM blob") == 0);
  CHECK(world.store.number("SELECT count(*) FROM fragment") == 0);
  world.take_all(bytes);
  world.work();
  world.check_stored(bytes);
}

TEST_CASE("a body that cannot become a file does not hold up the others") {
  World world;
  const std::string bad = body_bytes(kTwo, 3), good = body_bytes(kTwo, 4);
  for (const auto& each : fragments_of(bad)) world.take(each);
  for (const auto& each : fragments_of(good)) world.take(each, {kStoreNow.ns + 1});
  auto& bodies = world.store.store().bodies();
  for (int steps = 0; steps < 256; ++steps) REQUIRE(bodies.step(kStoreNow));
  world.store.disk().fail({.at = 1});
  REQUIRE_FALSE(bodies.step({kStoreNow.ns + 2}));
  world.store.disk().heal();
  std::vector<wire::Sha256Digest> stored;
  for (const auto& step : world.work()) {
    if (step.stored) stored.push_back(*step.stored);
  }
  CHECK(stored == std::vector{wire::sha256(good), wire::sha256(bad)});
}

TEST_CASE("a directory of somebody else among the files stays, and holds up nothing") {
  World world;
  const std::string bytes = body_bytes(kTwo, 4);
  REQUIRE(world.store.files().make_directories("/blobs/00/@eaDir"));
  world.take_all(bytes);
  world.work();
  world.check_stored(bytes);
  CHECK(world.store.files().info("/blobs/00/@eaDir"));
}

TEST_CASE("when many bodies wait to become files the next ones wait at their nodes") {
  World world({.whole_max = 2});
  world.take_all(body_bytes(100, 1));
  world.take_all(body_bytes(100, 2));
  CHECK(world.take(fragments_of(body_bytes(100, 3))[0]).waits);
  CHECK(world.take(fragments_of(body_bytes(kTwo, 4))[0]).waits);
  world.work();
  CHECK_FALSE(world.take(fragments_of(body_bytes(100, 3))[0]).waits);
}

TEST_CASE("what comes again for a place replaces what was there, also while the file grows") {
  World world;
  const std::string bytes = body_bytes(6 << 20, 7);
  auto fragments = fragments_of(bytes);
  auto wrong = fragments;
  wrong[0].bytes[0] ^= 1;
  for (const auto& each : wrong) world.take(each);
  for (int i = 0; i < 257; ++i) REQUIRE(world.store.store().bodies().step(kStoreNow));
  REQUIRE(world.store.files().info("/blobs/" + wire::sha256(bytes).hex() + ".part"));
  world.take(fragments[0]);
  world.work();
  world.check_stored(bytes);
}

TEST_CASE("what another node says of a hash does not spoil a body") {
  World world;
  const std::string bytes = body_bytes(kTwo, 8);
  auto& db = world.store.store().database();
  const auto other = world.store.ledger().node_no("n2", kStoreNow).value();
  std::vector<std::int64_t> gaps;
  auto wrong = fragments_of(bytes);
  wrong[0].bytes[0] ^= 1;
  REQUIRE(db.begin());
  for (const auto& each : wrong) {
    CHECK(*world.store.store().bodies().take(other, each, kStoreNow, gaps));
  }
  REQUIRE(db.commit());
  wire::Fragment short_one = fragments_of(bytes)[0];
  short_one.size = short_one.bytes.size();
  world.take(short_one);
  world.take_all(bytes);
  world.work();
  world.check_stored(bytes);
}

TEST_CASE("at the cap no body begins, what was begun goes on, and one of one fragment passes") {
  World world({.bodies_max = 2, .bytes_max = 1 << 20});
  const auto a = fragments_of(body_bytes(kTwo, 1)), b = fragments_of(body_bytes(kTwo, 2)),
             c = fragments_of(body_bytes(kTwo, 3));
  CHECK(world.take(a[0]).verdict == Verdict::kStored);
  CHECK(world.take(b[0]).verdict == Verdict::kStored);
  const std::uint64_t waiting = world.seq + 1;
  const auto waits = world.take(c[0]);
  CHECK(waits.waits);
  CHECK(waits.verdict == Verdict::kNone);
  CHECK(world.store.ledger().settled(1, waiting)->verdict == Verdict::kNone);
  CHECK(world.take(fragments_of(body_bytes(100, 4))[0]).verdict == Verdict::kStored);
  CHECK(world.take(a[1]).verdict == Verdict::kStored);
  CHECK(world.take(c[0]).verdict == Verdict::kStored);
  CHECK(world.take(c[1]).verdict == Verdict::kStored);
  CHECK(world.take(b[1]).verdict == Verdict::kStored);
  world.work();
  CHECK(world.store.number("SELECT count(*) FROM blob") == 4);
}

TEST_CASE("the cap is one of bytes, too, and a body larger than it comes alone") {
  World world({.bodies_max = 100, .bytes_max = 3 * wire::kFragmentBytes});
  const auto large = fragments_of(body_bytes(5 * wire::kFragmentBytes, 1));
  const auto small = fragments_of(body_bytes(kTwo, 2));
  CHECK(world.take(large[0]).verdict == Verdict::kStored);
  CHECK(world.take(small[0]).waits);
  for (std::size_t i = 1; i < large.size(); ++i) {
    CHECK(world.take(large[i]).verdict == Verdict::kStored);
  }
  CHECK(world.take(small[0]).verdict == Verdict::kStored);
  CHECK(world.take(large[0]).verdict == Verdict::kStored);
  CHECK(world.take(fragments_of(body_bytes(2 * wire::kFragmentBytes, 3))[0]).waits);
}

TEST_CASE("a transaction that fails takes no place under the cap") {
  World world({.bodies_max = 1, .bytes_max = 1 << 20});
  const auto a = fragments_of(body_bytes(kTwo, 1));
  world.store.disk().fail({.calls = static_cast<unsigned>(sim::DiskCall::kSync)});
  CHECK(!world.store.ingest().commit({arrival(1, fragment_record(a[0]))}, kStoreNow));
  world.store.disk().heal();
  CHECK(world.take(fragments_of(body_bytes(kTwo, 2))[0]).verdict == Verdict::kStored);
}

TEST_CASE("at the cap a body of which nothing came for a week makes room, and a gap tells of it") {
  World world({.bodies_max = 1, .bytes_max = 1 << 20});
  const auto a = fragments_of(body_bytes(kTwo, 1)), b = fragments_of(body_bytes(kTwo, 2));
  world.take(a[0]);
  const rt::UnixTime week{kStoreNow.ns + 7 * kDayNs};
  CHECK(world.take(b[0], week).waits);
  const auto taken = world.take(b[0], {week.ns + 1});
  CHECK(taken.verdict == Verdict::kStored);
  REQUIRE(taken.gaps.size() == 1);
  CHECK(world.store.number("SELECT fragments FROM gap") == 1);
  CHECK(world.store.number("SELECT readings FROM gap") == 0);
  world.work();
  CHECK(world.store.number("SELECT count(*) FROM fragment") == 1);
}

TEST_CASE("a start takes files without a row and temporary ones away, and finds what is missing") {
  World world;
  const std::string kept = body_bytes(100, 1), lost = body_bytes(100, 2);
  world.take_all(kept);
  world.take_all(lost);
  world.work();
  auto& files = world.store.files();
  const std::string stray = coordinator::blob_path("/blobs", wire::sha256("stray"));
  REQUIRE(files.make_directories(stray.substr(0, stray.rfind('/'))));
  REQUIRE(files.write_durably(stray, "stray", 0640));
  REQUIRE(files.write_durably("/blobs/x.part", "half", 0640));
  REQUIRE(files.remove(coordinator::blob_path("/blobs", wire::sha256(lost))));
  world.store.restart(kStoreNow);
  std::vector<wire::Sha256Digest> missing;
  for (const auto& step : world.work()) {
    missing.insert(missing.end(), step.missing.begin(), step.missing.end());
  }
  CHECK(missing == std::vector<wire::Sha256Digest>{wire::sha256(lost)});
  CHECK(!files.info(stray));
  CHECK(!files.info("/blobs/x.part"));
  CHECK(world.file(kept) == kept);
  CHECK(world.store.number("SELECT count(*) FROM blob WHERE missing = 0") == 1);
  // It comes again, and is told once.
  world.take_all(lost);
  world.work();
  CHECK(world.file(lost) == lost);
  CHECK(world.store.number("SELECT count(*) FROM blob WHERE missing = 0") == 2);
  world.store.restart(kStoreNow);
  for (const auto& step : world.work()) CHECK(step.missing.empty());
}

TEST_CASE("a start leaves the files of the first directory where they are, and of the last one") {
  World world;
  const std::string first = body_in("00"), last = body_in("ff");
  world.take_all(first);
  world.take_all(last);
  world.work();
  world.store.restart(kStoreNow);
  for (const auto& step : world.work()) CHECK(step.missing.empty());
  CHECK(world.file(first) == first);
  CHECK(world.file(last) == last);
}

TEST_CASE("a fragment that a body cannot have is quarantined") {
  World world;
  wire::Record record = fragment_record(fragments_of(body_bytes(100, 1))[0]);
  record.payload.resize(record.payload.size() / 2);
  record.raw_size = static_cast<std::uint32_t>(record.payload.size());
  CHECK(world.take(record).verdict == Verdict::kQuarantined);
}

TEST_CASE("a gap of fragments is shown once, and with no readings") {
  World world;
  wire::Record told;
  told.kind = static_cast<std::uint16_t>(wire::RecordKind::kEmpty);
  told.gaps.push_back({.names = {{{kStoreIncarnation, {11, 13}}, 0, true}},
                       .first_time = 5,
                       .last_time = 6,
                       .cause = wire::GapCause::kAged,
                       .fragments = 3});
  CHECK(world.take(told).gaps.size() == 1);
  CHECK(world.take(told).gaps.empty());
  auto query = world.store.make_ledger_query();
  REQUIRE(query);
  const auto gaps = query->gaps({}, 0, 10);
  REQUIRE(gaps);
  REQUIRE(gaps->size() == 1);
  CHECK(gaps->front().fragments == 3);
  CHECK(gaps->front().readings == 0);
  CHECK(gaps->front().from == 5);
  CHECK(world.store.ledger().settled(1, 12)->verdict == Verdict::kGapped);
}

}  // namespace fieldpost::test
