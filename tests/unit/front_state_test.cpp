// What the loop sees of the spool while the store thread is at work.
#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "agent/spool/spool_front.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_log.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_random.h"
#include "tests/support/sim/sim_vfs.h"
#include "tests/support/sim/sim_worker.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::agent {
namespace {

/// A worker that is as far ahead of the loop as a thread can be: a job is over before the loop
/// hears of the one before it.
class AheadWorker final : public rt::Worker {
 public:
  explicit AheadWorker(rt::Loop& loop) : loop_(loop) {}
  void run(std::function<void()> job, std::function<void()> done) override {
    job();
    loop_.post(std::move(done));
  }

 private:
  rt::Loop& loop_;
};

template <typename StoreWorker>
struct FrontBench {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "host"};
  sim::SimLog log{world, "host"};
  sim::SimRandom random{world.dice("random")};
  sim::SimDisk disk;
  sim::SimVfs vfs{disk, "front-test"};
  sim::SimWorker encoder{loop, world.dice("encoder")};
  StoreWorker store;
  SpoolFront front;

  template <typename... Args>
  explicit FrontBench(Args&&... args)
      : store(loop, std::forward<Args>(args)...),
        front(loop, clock, random, store, encoder, log, {}, open()) {}
  Spool open() {
    auto opened = Spool::open("/spool/spool.db", vfs.name(), random);
    REQUIRE(opened.has_value());
    return std::move(*opened);
  }
  void append_event() {
    wire::Record record;
    record.kind = static_cast<std::uint16_t>(wire::RecordKind::kEvent);
    record.payload = "{}";
    front.append_record(std::move(record), RecordClass::kEvent,
                        [](rt::Status status) { CHECK(status.has_value()); });
  }
};

}  // namespace

TEST_CASE("the loop sees the spool as of the job that is done, not of one that is under way") {
  FrontBench<AheadWorker> b;
  std::vector<std::uint64_t> held;
  const auto look = [&] {
    b.front.with_spool([](Spool&) { return rt::ok(); },
                       [&](rt::Status) { held.push_back(b.front.totals().records_held); });
  };
  look();
  b.append_event();
  look();
  b.world.run_for(rt::Millis(100));
  CHECK(held == std::vector<std::uint64_t>{0, 1});
}

TEST_CASE("a statement knows no name that was given out after it was taken") {
  FrontBench<AheadWorker> b;
  b.append_event();
  b.world.run_for(rt::Millis(100));
  std::uint64_t highest = 0;
  b.front.take_statement([&](rt::Result<SpoolFront::Statement> statement) {
    REQUIRE(statement.has_value());
    highest = statement->back().highest;
  });
  SpoolRecord missing;
  missing.name = {b.front.live().id, 7};
  // Gives out a name when the statement is taken, and before the loop has it.
  b.loop.post([&] { b.front.declare_damaged(missing); });
  b.world.run_for(rt::Millis(100));
  CHECK(highest == 1);
}

TEST_CASE("a job that began before a coordinator was pinned does not unpin it") {
  FrontBench<sim::SimWorker> b(sim::Dice(1));
  const Pin pin{wire::Id128{1, 2}, {}, 3};
  bool done = false;
  b.front.with_spool([](Spool&) { return rt::ok(); },
                     [&](rt::Status) {
                       done = true;
                       CHECK(b.front.pin().store_id == pin.store_id);
                     });
  b.front.set_pin(pin);
  b.world.run_for(rt::Millis(100));
  CHECK(done);
  CHECK(b.front.pin().store_id == pin.store_id);
}

}  // namespace fieldpost::agent
