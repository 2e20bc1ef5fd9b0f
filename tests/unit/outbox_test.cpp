// Lanes, shares and credit of what waits to be published, and how much the link should hold.
#include "agent/uplink/outbox.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/uplink/link_window.h"

namespace fieldpost::agent {
namespace {

using wire::Lane;

std::size_t size_of(const Outgoing& item) {
  return item.record.body->size();
}

rt::Instant at(double seconds) {
  return {rt::Nanos(static_cast<std::int64_t>(seconds * 1e9))};
}

struct Queue {
  Queue() { box.set_credit(10'000'000, 1000); }
  bool offer(Lane lane, std::size_t bytes) {
    Outgoing item;
    item.lane = lane;
    item.record.name = {wire::IncarnationId{}, ++seq};
    item.record.body = std::make_shared<const std::string>(bytes, 'x');
    return box.offer(std::move(item));
  }
  /// Publishes what comes next; its lane. kBulk is never offered here: it says that nothing comes.
  Lane take(bool has_room = true) {
    Outgoing* item = box.next(size_of, has_room, now);
    if (item == nullptr) return Lane::kBulk;
    const Lane lane = item->lane;
    box.on_published(item, size_of(*item), ++token);
    return lane;
  }
  Outbox box{LaneShares{}};
  rt::Instant now;
  std::uint64_t seq = 0, token = 0;
};

TEST_CASE("events go first, and without room on the link only they go") {
  Queue queue;
  queue.offer(Lane::kBackfill, 100);
  queue.offer(Lane::kLive, 100);
  queue.offer(Lane::kEvent, 100);
  CHECK(queue.take(false) == Lane::kEvent);
  CHECK(queue.take(false) == Lane::kBulk);
  CHECK(queue.take() == Lane::kLive);
  CHECK(queue.take() == Lane::kBackfill);
}

TEST_CASE("all that a live lane gathered during a long envelope goes before the next one") {
  Queue queue;
  queue.offer(Lane::kBackfill, 60'000);
  queue.offer(Lane::kBackfill, 60'000);
  CHECK(queue.take() == Lane::kBackfill);
  for (int i = 0; i < 30; ++i) queue.offer(Lane::kLive, 300);
  for (int i = 0; i < 30; ++i) CHECK(queue.take() == Lane::kLive);
  CHECK(queue.take() == Lane::kBackfill);
}

TEST_CASE("a lane that is paused lets the others go, and goes on where it was") {
  Queue queue;
  queue.offer(Lane::kLog, 100);
  queue.offer(Lane::kBackfill, 100);
  queue.box.pause(Lane::kLog, at(2));
  CHECK(queue.take() == Lane::kBackfill);
  CHECK(queue.take() == Lane::kBulk);
  queue.now = at(1.9);
  CHECK(queue.take() == Lane::kBulk);
  queue.now = at(2);
  CHECK(queue.take() == Lane::kLog);
}

TEST_CASE("what is queued again in bulk keeps the order of the spool, and settled ones stay away") {
  Outbox box{LaneShares{}};
  box.set_credit(10'000'000, 0);
  std::uint64_t token = 0;
  const auto offer = [&](std::int64_t no) {
    Outgoing item;
    item.lane = Lane::kBulk;
    item.record.no = no;
    item.record.name = {wire::IncarnationId{}, static_cast<std::uint64_t>(100 - no)};
    item.record.body = std::make_shared<const std::string>(10, 'x');
    return box.offer(std::move(item));
  };
  const auto take = [&] {
    Outgoing* item = box.next(size_of, true, {});
    if (item == nullptr) return std::int64_t{0};
    const std::int64_t no = item->record.no;
    box.on_published(item, 10, ++token);
    return no;
  };
  const auto again = [&](std::int64_t no) {
    box.requeue([no](const Outgoing& item) { return item.record.no == no; });
  };
  for (std::int64_t no = 1; no <= 5; ++no) REQUIRE(offer(no));
  for (std::int64_t no = 1; no <= 4; ++no) CHECK(take() == no);
  again(2);
  box.settle({wire::IncarnationId{}, {98, 98}}, [](const Outgoing&) {});  // number 2
  again(3);
  again(1);
  again(4);
  CHECK(take() == 1);
  again(1);
  CHECK(box.queued() == 4);
  for (const std::int64_t no : {1, 3, 4, 5, 0}) CHECK(take() == no);
  CHECK(box.queued_bytes(Lane::kBulk) == 0);
}

TEST_CASE("a lane that was idle does not claim the time that it did not use") {
  Queue queue;
  queue.offer(Lane::kLive, 1000);
  CHECK(queue.take() == Lane::kLive);
  for (int i = 0; i < 500; ++i) {
    queue.offer(Lane::kBackfill, 1000);
    CHECK(queue.take() == Lane::kBackfill);
  }
  int backfill = 0;
  for (int i = 0; i < 100; ++i) {
    for (const Lane lane : {Lane::kLive, Lane::kBackfill}) queue.offer(lane, 1000);
    backfill += queue.take() == Lane::kBackfill ? 1 : 0;
  }
  CHECK(backfill == doctest::Approx(30).epsilon(0.1));
}

TEST_CASE("lanes that always have something share the link by their parts") {
  Queue queue;
  std::map<Lane, int> count;
  for (int i = 0; i < 1200; ++i) {
    for (const Lane lane : {Lane::kLive, Lane::kLog, Lane::kBackfill}) queue.offer(lane, 1000);
    count[queue.take()] += 1;
  }
  CHECK(count[Lane::kLive] == doctest::Approx(700).epsilon(0.02));
  CHECK(count[Lane::kLog] == doctest::Approx(200).epsilon(0.02));
  CHECK(count[Lane::kBackfill] == doctest::Approx(300).epsilon(0.02));
}

TEST_CASE("only a lack of credit starves, not what is in flight") {
  Queue queue;
  CHECK_FALSE(queue.box.starved());
  queue.box.set_credit(0, 1000);
  queue.offer(Lane::kLive, 10);
  CHECK(queue.box.starved());
  queue.box.set_credit(1000, 1000);
  CHECK_FALSE(queue.box.starved());
  CHECK(queue.take() == Lane::kLive);
  queue.offer(Lane::kLive, 10);
  queue.box.set_credit(0, 1000);
  CHECK_FALSE(queue.box.starved());  // its receipt brings credit
  queue.box.set_credit(1000, 0);
  queue.offer(Lane::kEvent, 10);
  CHECK(queue.box.starved());
}

TEST_CASE("a verdict finds a record that waits to be published again") {
  Queue queue;
  queue.offer(Lane::kLive, 10);
  queue.offer(Lane::kLive, 10);
  CHECK(queue.take() == Lane::kLive);
  CHECK(queue.take() == Lane::kLive);
  queue.box.requeue([](const Outgoing& item) { return item.record.name.seq == 1; });
  std::vector<std::uint64_t> visited;
  queue.box.settle({wire::IncarnationId{}, {1, 2}},
                   [&](const Outgoing& item) { visited.push_back(item.record.name.seq); });
  std::sort(visited.begin(), visited.end());
  CHECK(visited == std::vector<std::uint64_t>{1, 2});
  CHECK(queue.box.idle());
  CHECK(queue.take() == Lane::kBulk);
}

TEST_CASE("a record that was settled while it was queued, and comes again, goes once") {
  Queue queue;
  queue.offer(Lane::kLive, 10);
  queue.box.settle({wire::IncarnationId{}, {1, 1}}, [](const Outgoing&) {});
  queue.seq = 0;
  queue.offer(Lane::kLive, 20);
  CHECK(queue.take() == Lane::kLive);
  CHECK(queue.box.bytes_in_flight() == 20);
  CHECK(queue.take() == Lane::kBulk);
  CHECK(queue.box.queued_bytes(Lane::kLive) == 0);
}

/// A link that carries so many bytes a second and answers after a round trip.
struct Link {
  double rate, round_trip;
  double now = 0, free_at = 0;
  std::uint64_t token = 0;
  std::multimap<double, std::uint64_t> acks;  ///< when
  LinkWindow window;

  void publish(std::uint64_t bytes, bool more_waits = true) {
    window.on_published(++token, bytes, more_waits, at(now));
    free_at = std::max(free_at, now) + static_cast<double>(bytes) / rate;
    acks.emplace(free_at + round_trip, token);
  }
  void pass(double seconds) {
    now += seconds;
    while (!acks.empty() && acks.begin()->first <= now) {
      window.on_puback(acks.begin()->second, at(now));
      acks.erase(acks.begin());
    }
  }
  /// Keeps the window full with messages of this size; the share of the time the link was busy.
  double drain(std::uint64_t bytes, double seconds) {
    const double end = now + seconds;
    double busy = 0;
    while (now < end) {
      while (window.has_room(at(now))) publish(bytes);
      if (free_at > now) busy += 0.001;
      pass(0.001);
    }
    return busy / seconds;
  }
};

TEST_CASE("the window follows rate and round trip of the link") {
  for (const double rate : {8e3, 125e3, 1.25e6, 12.5e6}) {
    for (const double round_trip : {0.001, 0.05, 0.6}) {
      INFO(rate, " bytes/s, round trip ", round_trip);
      Link link{rate, round_trip};
      link.publish(200, false);
      link.pass(round_trip + 0.1);
      link.drain(20'000, 60);
      CHECK(link.drain(20'000, 30) > 0.9);
      CHECK(link.window.bytes_per_second() == doctest::Approx(rate).epsilon(0.1));
      // One message on the way, and the window.
      CHECK(static_cast<double>(link.window.unacked()) <=
            40'000 + 1.2 * rate * (2 * round_trip + 0.35));
    }
  }
}

TEST_CASE("a link that becomes slower is noticed within two spans") {
  Link link{1.25e6, 0.01};
  link.drain(20'000, 20);
  link.rate = 125e3;
  link.drain(20'000, 15);
  CHECK(link.window.bytes_per_second() == doctest::Approx(125e3).epsilon(0.15));
}

TEST_CASE("a link that is not used is not taken for a slow one") {
  Link link{1.25e6, 0.01};
  link.drain(20'000, 20);
  for (int i = 0; i < 100; ++i) {
    link.publish(300, false);
    link.pass(1);
  }
  CHECK(link.window.bytes_per_second() == doctest::Approx(1.25e6).epsilon(0.1));
}

TEST_CASE("a burst that a shaper lets pass is not taken for the link's rate") {
  LinkWindow window;
  window.on_published(1, 1000, false, at(0));
  window.on_puback(1, at(0.001));
  CHECK(window.bytes_per_second() == doctest::Approx(1e6));
  window.on_published(2, 10'000, true, at(1));
  window.on_puback(2, at(2));
  CHECK(window.bytes_per_second() == doctest::Approx(1e4));
  window.on_published(3, 1000, false, at(3));
  window.on_puback(3, at(3.001));
  CHECK(window.bytes_per_second() == doctest::Approx(1e4));
}

TEST_CASE("a fresh connection knows nothing of the one before") {
  Link link{12.5e6, 0.001};
  link.drain(20'000, 5);
  CHECK(link.window.bytes() > LinkWindow::kFirstBytes);
  link.window.reset();
  CHECK(link.window.bytes() == LinkWindow::kFirstBytes);
  CHECK(link.window.unacked() == 0);
}

TEST_CASE("there is room again when the link will have carried the message, or at its answer") {
  LinkWindow window;
  window.on_published(1, 1000, true, at(0));
  window.on_puback(1, at(1));  // 1,000 bytes a second, round trip 1 s: 2,200 bytes
  CHECK(window.bytes() == 2200);
  window.on_published(2, 5000, true, at(1));
  CHECK_FALSE(window.has_room(at(2)));
  const auto wait = window.time_to_room(at(2));
  REQUIRE(wait.has_value());
  CHECK(window.has_room(at(2) + *wait));
  window.on_published(3, 50'000, true, at(4));
  CHECK_FALSE(window.has_room(at(100)));  // more than the message on the link is not guessed
  CHECK_FALSE(window.time_to_room(at(100)).has_value());
}

}  // namespace
}  // namespace fieldpost::agent
