#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/contract/rigs.h"

namespace fieldpost::test {
namespace {

TEST_CASE_TEMPLATE("jobs run in order, each before its done", Rig, RealRig, SimRig) {
  Rig rig;
  const auto worker = rig.make_worker();
  std::vector<int> jobs;
  std::vector<int> dones;
  for (int i = 0; i < 100; ++i) {
    worker->run([&jobs, i] { jobs.push_back(i); }, [&dones, i] { dones.push_back(i); });
  }
  CHECK(dones.empty());
  CHECK(rig.run_until([&] { return dones.size() == 100; }));
  CHECK(std::is_sorted(jobs.begin(), jobs.end()));
  CHECK(jobs == dones);
}

TEST_CASE_TEMPLATE("a done may give the worker more to do, or drop it", Rig, RealRig, SimRig) {
  Rig rig;
  auto worker = rig.make_worker();
  bool dropped = false;
  worker->run([] {},
              [&] {
                worker->run([] {},
                            [&] {
                              worker.reset();
                              dropped = true;
                            });
              });
  CHECK(rig.run_until([&] { return dropped; }));
}

TEST_CASE_TEMPLATE("after a worker is dropped no done is called", Rig, RealRig, SimRig) {
  Rig rig;
  auto worker = rig.make_worker();
  bool called = false;
  bool waited = false;
  for (int i = 0; i < 10; ++i) worker->run([] {}, [&] { called = true; });
  worker.reset();
  rig.loop.after(rt::Millis{20}, [&] { waited = true; });
  CHECK(rig.run_until([&] { return waited; }));
  CHECK_FALSE(called);
}

TEST_CASE("a dropped worker finishes the job that it is at and forgets the rest") {
  RealRig rig;
  auto worker = rig.make_worker();
  std::atomic<bool> began = false;
  std::atomic<bool> may_end = false;
  std::atomic<int> ended = 0;
  const auto end_first = [&](void*) {
    may_end = true;
    may_end.notify_one();
  };
  worker->run(
      [&] {
        began = true;
        began.notify_one();
        may_end.wait(false);
        ended += 1;
      },
      [] {});
  // The first job ends only when the second has been forgotten.
  worker->run([&ended, held = std::shared_ptr<void>(nullptr, end_first)] { ended += 1; }, [] {});
  began.wait(false);
  worker.reset();
  CHECK(ended == 1);
}

TEST_CASE("a job runs away from the loop's thread, its done on it") {
  RealRig rig;
  const auto worker = rig.make_worker();
  std::thread::id job, done;
  worker->run([&] { job = std::this_thread::get_id(); },
              [&] { done = std::this_thread::get_id(); });
  CHECK(rig.run_until([&] { return done != std::thread::id(); }));
  CHECK(done == std::this_thread::get_id());
  CHECK(job != done);
}

}  // namespace
}  // namespace fieldpost::test
