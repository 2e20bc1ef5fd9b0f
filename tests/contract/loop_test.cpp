#include <algorithm>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "tests/contract/rigs.h"

namespace fieldpost::test {
namespace {

using rt::Millis;
using rt::Nanos;

TEST_CASE_TEMPLATE("timers fire in the order in which they are due", Rig, RealRig, SimRig) {
  Rig rig;
  std::vector<int> fired;
  rig.loop.after(Millis{20}, [&] { fired.push_back(3); });
  rig.loop.after(Millis{1}, [&] { fired.push_back(1); });
  rig.loop.after(Millis{10}, [&] { fired.push_back(2); });
  CHECK(rig.run_until([&] { return fired.size() == 3; }));
  CHECK(fired == std::vector{1, 2, 3});
}

TEST_CASE_TEMPLATE("a timer never fires early, nor inside after", Rig, RealRig, SimRig) {
  Rig rig;
  const rt::Instant began = rig.loop.now();
  bool at_once = false;
  bool later = false;
  rig.loop.after(Nanos{0}, [&] { at_once = true; });
  CHECK_FALSE(at_once);
  rig.loop.after(Millis{15}, [&] { later = true; });
  CHECK(rig.run_until([&] { return later; }));
  CHECK(at_once);
  CHECK(rig.loop.now() - began >= Millis{15});
}

TEST_CASE_TEMPLATE("a cancelled timer does not fire and its task is dropped", Rig, RealRig,
                   SimRig) {
  Rig rig;
  bool fired = false;
  bool done = false;
  const auto held = std::make_shared<int>(0);
  const rt::TimerId timer = rig.loop.after(Millis{1}, [&fired, held] { fired = true; });
  rig.loop.cancel(timer);
  CHECK(held.use_count() == 1);
  rig.loop.after(Millis{5}, [&] { done = true; });
  CHECK(rig.run_until([&] { return done; }));
  CHECK_FALSE(fired);
}

TEST_CASE_TEMPLATE("cancelling a fired timer, or none, is harmless", Rig, RealRig, SimRig) {
  Rig rig;
  int fired = 0;
  const rt::TimerId timer = rig.loop.after(Nanos{0}, [&] { fired += 1; });
  CHECK(rig.run_until([&] { return fired == 1; }));
  rig.loop.after(Nanos{0}, [&] { fired += 1; });
  rig.loop.cancel(timer);
  rig.loop.cancel(rt::TimerId::kNone);
  CHECK(rig.run_until([&] { return fired == 2; }));
}

TEST_CASE_TEMPLATE("a task may cancel the timer that is due next", Rig, RealRig, SimRig) {
  Rig rig;
  bool fired = false;
  bool done = false;
  rt::TimerId second = rt::TimerId::kNone;
  rig.loop.after(Millis{1}, [&] { rig.loop.cancel(second); });
  second = rig.loop.after(Millis{1}, [&] { fired = true; });
  rig.loop.after(Millis{8}, [&] { done = true; });
  CHECK(rig.run_until([&] { return done; }));
  CHECK_FALSE(fired);
}

TEST_CASE_TEMPLATE("posts run in order, and never inside post", Rig, RealRig, SimRig) {
  Rig rig;
  std::vector<int> ran;
  for (int i = 0; i < 1000; ++i) rig.loop.post([&ran, i] { ran.push_back(i); });
  CHECK(ran.empty());
  CHECK(rig.run_until([&] { return ran.size() == 1000; }));
  CHECK(std::is_sorted(ran.begin(), ran.end()));
}

TEST_CASE_TEMPLATE("what another thread posted runs in its order", Rig, RealRig, SimRig) {
  Rig rig;
  std::vector<int> ran;
  std::thread([&] {
    for (int i = 0; i < 1000; ++i) rig.loop.post([&ran, i] { ran.push_back(i); });
  }).join();
  CHECK(rig.run_until([&] { return ran.size() == 1000; }));
  CHECK(std::is_sorted(ran.begin(), ran.end()));
}

TEST_CASE_TEMPLATE("posts that post do not starve timers", Rig, RealRig, SimRig) {
  Rig rig;
  bool fired = false;
  int posts = 0;
  std::function<void()> again = [&] {
    posts += 1;
    if (!fired && posts < 200'000) rig.loop.post(again);
  };
  rig.loop.post(again);
  rig.loop.after(Nanos{0}, [&] { fired = true; });
  CHECK(rig.run_until([&] { return fired; }));
  CHECK(posts < 200'000);
}

TEST_CASE("threads may post while the real loop runs") {
  RealRig rig;
  int ran = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) rig.loop.post([&] { ran += 1; });
    });
  }
  CHECK(rig.run_until([&] { return ran == 4000; }));
  for (auto& thread : threads) thread.join();
}

TEST_CASE("a long turn of the real loop is counted and reported") {
  RealRig rig;
  Nanos reported{0};
  bool done = false;
  rig.loop.on_long_turn([&](Nanos took) { reported = took; });
  rig.loop.post([&] {
    const rt::Instant began = rig.loop.now();
    while (rig.loop.now() - began < Millis{60}) {
    }
    done = true;
  });
  CHECK(rig.run_until([&] { return done; }));
  CHECK(reported >= Millis{60});
  CHECK(rig.loop.long_turns() == 1);
}

TEST_CASE("each signal of the real loop has a task of its own") {
  RealRig rig;
  std::vector<std::string> got;
  rig.loop.on_signals({SIGUSR1}, [&](int) { got.emplace_back("first"); });
  rig.loop.on_signals({SIGUSR2}, [&](int) { got.emplace_back("second"); });
  std::raise(SIGUSR1);
  std::raise(SIGUSR2);
  CHECK(rig.loop.run_until([&] { return got.size() == 2; }, rt::Seconds{5}));
  std::ranges::sort(got);
  CHECK(got == std::vector<std::string>{"first", "second"});
}

TEST_CASE("the real loop turns signals into calls, and run ends with stop") {
  RealRig rig;
  std::vector<int> got;
  rig.loop.on_signals({SIGUSR1, SIGHUP}, [&](int signal) {
    got.push_back(signal);
    if (got.size() == 2) rig.loop.stop();
    ::raise(SIGHUP);
  });
  rig.loop.post([] { ::raise(SIGUSR1); });
  rig.loop.run();
  CHECK(got == std::vector{SIGUSR1, SIGHUP});
}

TEST_CASE("a real loop drops what is still queued when it ends") {
  const auto held = std::make_shared<int>(0);
  {
    RealRig rig;
    rig.loop.post([held] {});
    rig.loop.after(Millis{1}, [held] {});
    CHECK(held.use_count() == 3);
  }
  CHECK(held.use_count() == 1);
}

}  // namespace
}  // namespace fieldpost::test
