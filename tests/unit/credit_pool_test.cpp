// [credit-1] … [credit-3] as the coordinator keeps them.
#include "coordinator/ingest/credit_pool.h"

#include <doctest/doctest.h>

#include <fstream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "proto/wire/limits.h"

namespace fieldpost::coordinator {
namespace {

using wire::kEnvelopeBytesMax;

constexpr std::uint64_t kNodeMax = 1 << 20;
constexpr std::uint64_t kPool = 4 * kEnvelopeBytesMax;

rt::Instant at(int seconds) {
  return {rt::Seconds(seconds)};
}

std::string name(int node) {
  return "n" + std::to_string(node);
}

TEST_CASE("one node gets all that a node may have") {
  LeasePool pool(64 << 20, kNodeMax);
  CHECK(pool.grant("a", at(0)) == kNodeMax);
  CHECK(pool.grant("a", at(1)) == kNodeMax);
  CHECK(pool.granted() == kNodeMax);
}

TEST_CASE("shares shrink with the number of nodes, down to one envelope") {
  LeasePool pool(kPool, kNodeMax);
  CHECK(pool.grant("a", at(0)) == kPool);
  CHECK(pool.grant("b", at(0)) == 0);
  CHECK(pool.renew("a", at(0)) == kPool / 2);
  std::vector<std::string> changed;
  pool.balance(at(0), changed);
  CHECK(changed == std::vector<std::string>{"b"});
  CHECK(pool.lease("b") == kPool / 2);
  for (const char* each : {"c", "d"}) pool.grant(each, at(0));
  for (const char* each : {"a", "b"}) pool.renew(each, at(0));
  pool.balance(at(0), changed);
  for (const char* each : {"a", "b", "c", "d"}) CHECK(pool.lease(each) == kEnvelopeBytesMax);
}

TEST_CASE("shares grow again when nodes go") {
  LeasePool pool(kPool, kNodeMax);
  for (const char* each : {"a", "b"}) pool.grant(each, at(0));
  pool.renew("a", at(0));
  pool.release("b");
  CHECK(pool.renew("a", at(0)) == kPool);
}

TEST_CASE("a lease that nobody used is taken back while somebody waits, and only then") {
  LeasePool pool(kPool, kNodeMax);
  for (int i = 0; i < 4; ++i) pool.grant(name(i), at(0));
  for (int i = 0; i < 4; ++i) pool.renew(name(i), at(0));
  std::vector<std::string> changed;
  pool.balance(at(0), changed);
  changed.clear();
  pool.balance(at(100), changed);
  CHECK(changed.empty());

  CHECK(pool.grant("late", at(100)) == 0);
  for (int i = 1; i < 4; ++i) pool.renew(name(i), at(100));  // these are in use: turns, no taking
  pool.balance(at(100), changed);
  CHECK(pool.lease("n0") == 0);
  CHECK(pool.lease("late") == kEnvelopeBytesMax);
  CHECK(changed.front() == "n0");
}

TEST_CASE("a lease in use is not taken back") {
  LeasePool pool(kEnvelopeBytesMax, kNodeMax);
  pool.grant("busy", at(0));
  pool.grant("late", at(0));
  std::vector<std::string> changed;
  pool.balance(at(0), changed);
  CHECK(changed.empty());
  pool.balance(at(1), changed);
  CHECK(changed == std::vector<std::string>{"busy", "late"});
}

TEST_CASE("a lease is not idle while what was sent under it is not settled") {
  LeasePool pool(kEnvelopeBytesMax, kNodeMax);
  pool.grant("busy", at(0));
  pool.grant("late", at(0));
  std::vector<std::string> changed;
  for (int second = 1; second < 10; ++second) {
    pool.touch("busy", at(second));
    pool.touch("none", at(second));
    pool.balance(at(second), changed);
  }
  CHECK(changed.empty());
  CHECK(pool.lease("busy") == kEnvelopeBytesMax);
}

TEST_CASE("busy nodes take turns, none twice before all had one") {
  LeasePool pool(kEnvelopeBytesMax, kNodeMax);
  for (int i = 0; i < 5; ++i) pool.grant(name(i), at(0));
  std::vector<std::string> order;
  std::string turn = "n0";
  for (int i = 0; i < 10; ++i) {
    order.push_back(turn);
    CHECK(pool.renew(turn, at(0)) == 0);
    std::vector<std::string> changed;
    pool.balance(at(0), changed);
    REQUIRE(changed.size() == 1);
    turn = changed.front();
  }
  CHECK(order == std::vector<std::string>{"n0", "n1", "n2", "n3", "n4",  //
                                          "n0", "n1", "n2", "n3", "n4"});
}

TEST_CASE("who asks by a hello goes before those who had a turn and may have no more to send") {
  LeasePool pool(kEnvelopeBytesMax, kNodeMax);
  for (int i = 0; i < 3; ++i) pool.grant(name(i), at(0));
  CHECK(pool.renew("n0", at(0)) == 0);
  std::vector<std::string> changed;
  pool.balance(at(0), changed);
  CHECK(pool.grant("late", at(0)) == 0);
  pool.release("n1");
  pool.release("n2");
  changed.clear();
  pool.balance(at(0), changed);
  CHECK(changed == std::vector<std::string>{"late"});
  CHECK(pool.grant("n0", at(0)) == 0);
  pool.release("late");
  CHECK(pool.grant("n0", at(0)) == kEnvelopeBytesMax);
}

TEST_CASE("a node that says hello again while it waits keeps its place") {
  LeasePool pool(kEnvelopeBytesMax, kNodeMax);
  for (int i = 0; i < 3; ++i) pool.grant(name(i), at(0));
  CHECK(pool.grant("n1", at(1)) == 0);
  CHECK(pool.waiting() == 2);
  pool.release("n0");
  std::vector<std::string> changed;
  pool.balance(at(1), changed);
  CHECK(changed == std::vector<std::string>{"n1"});
}

TEST_CASE("a node that goes while it waits is forgotten") {
  LeasePool pool(kEnvelopeBytesMax, kNodeMax);
  for (int i = 0; i < 3; ++i) pool.grant(name(i), at(0));
  pool.release("n1");
  pool.release("n0");
  std::vector<std::string> changed;
  pool.balance(at(0), changed);
  CHECK(changed == std::vector<std::string>{"n2"});
  CHECK(pool.granted() == kEnvelopeBytesMax);
}

TEST_CASE("the sum of what is granted is the sum of the leases and never exceeds the pool") {
  LeasePool pool(10 * kEnvelopeBytesMax + 1000, kNodeMax);
  std::mt19937_64 dice(7);
  for (int step = 0; step < 20'000; ++step) {
    const std::string node = name(static_cast<int>(dice() % 25));
    const rt::Instant now = at(step / 10);
    std::vector<std::string> changed;
    switch (dice() % 4) {
      case 0: pool.grant(node, now); break;
      case 1: pool.renew(node, now); break;
      case 2: pool.release(node); break;
      default: pool.balance(now, changed); break;
    }
    std::uint64_t sum = 0;
    for (int i = 0; i < 25; ++i) {
      const std::uint64_t lease = pool.lease(name(i));
      REQUIRE((lease == 0 || lease >= kEnvelopeBytesMax));
      sum += lease;
    }
    REQUIRE(pool.granted() == sum);
    REQUIRE(sum <= 10 * kEnvelopeBytesMax + 1000);
  }
}

TEST_CASE("events have a credit of their own: readings that fill their pool leave it alone") {
  CreditPool pool({.pool_bytes = kEnvelopeBytesMax, .event_pool_bytes = 64 << 20});
  pool.grant("a", at(0));
  const Credit late = pool.grant("late", at(0));
  CHECK(late.bytes == 0);
  CHECK(late.event_bytes == kEnvelopeBytesMax);
}

TEST_CASE("the default pool of events has an envelope for a thousand nodes") {
  CreditPool pool{CreditOptions{}};
  for (int i = 0; i < 1000; ++i) REQUIRE(pool.grant(name(i), at(0)).event_bytes > 0);
}

TEST_CASE("the broker's configuration can queue what the coordinator grants by default") {
  const CreditOptions credit;
  for (const char* file : {"mosquitto.conf", "mosquitto-site.conf"}) {
    INFO(file);
    std::ifstream in(std::string(FIELDPOST_SYSTEMD_DIR) + "/" + file);
    std::string word;
    std::uint64_t queued = 0;
    while (in >> word) {
      if (word == "max_queued_bytes") in >> queued;
    }
    CHECK(queued > credit.pool_bytes + credit.event_pool_bytes);
  }
}

}  // namespace
}  // namespace fieldpost::coordinator
