// Bodies that are larger than all that bodies may take of the spool: window by window, and over
// restarts.
#include <doctest/doctest.h>

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/sources/body_writer.h"
#include "agent/spool/body_place.h"
#include "tests/support/fakes/fake_intake.h"
#include "tests/support/sample_bodies.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_loop.h"

namespace fieldpost::agent {
namespace {

using namespace std::chrono_literals;
using rt::Errc;

constexpr std::uint64_t kWindowBytes = BodyWriter::kFragmentsPerCommit * wire::kFragmentBytes;

/// An intake that answers at once, as long as it has room: each window takes the room of one.
struct World {
  World() { start(); }
  void start() { writer = std::make_unique<BodyWriter>(loop, clock, intake); }

  BodyOffer offer(const std::string& bytes, bool in_windows = true) {
    BodyOffer out;
    out.reference = {wire::sha256(bytes), bytes.size(), "application/octet-stream", ""};
    out.series = {"fieldpost_artifact", {{"job", "1"}}, "body", wire::ValueType::kString, ""};
    out.time = {1'000};
    out.in_windows = in_windows;
    out.patient = in_windows;
    out.read = [this, bytes](std::uint64_t offset, std::size_t size, auto done) {
      reads += 1;
      if (read_error) return done(*read_error);
      done(bytes.substr(offset, size));
    };
    return out;
  }
  std::optional<rt::Status>& accept(BodyOffer body) {
    auto& told = outcomes.emplace_back();
    writer->accept(std::move(body), [&told](const rt::Status& status) { told = status; });
    return told;
  }
  void set_room(std::uint64_t bytes) { intake.room.bytes_free = bytes; }
  void next_look() { sim.run_for(BodyWriter::kRoomEvery); }
  [[nodiscard]] std::string written() const {
    std::string out;
    for (const wire::Record& record : intake.fragments) {
      const auto fragment = wire::decode_fragment(record.payload);
      REQUIRE(fragment);
      out += fragment->bytes;
    }
    return out;
  }

  sim::SimWorld sim{1};
  sim::SimLoop loop{sim};
  sim::SimWallClock clock{sim, "node"};
  sim::FakeIntake intake;
  std::deque<std::optional<rt::Status>> outcomes;
  std::optional<rt::Error> read_error;
  int reads = 0;
  std::unique_ptr<BodyWriter> writer;
};

const std::string& large_body() {
  static const std::string bytes = test::body_bytes(2 * kWindowBytes + 5, 1);
  return bytes;
}

BodyPlace place_of(const std::string& bytes, std::uint64_t offset) {
  return {wire::sha256(bytes), bytes.size(), offset};
}

}  // namespace

TEST_CASE("a body in windows is larger than the spool ever takes of others") {
  World world;
  world.intake.room.bytes_max = 2 * kWindowBytes;
  CHECK(world.accept(world.offer(large_body(), false))->error().code == Errc::kInvalid);
  auto& told = world.accept(world.offer(large_body()));
  REQUIRE(told.has_value());
  CHECK(told->has_value());
  const bool same = world.written() == large_body();
  CHECK(same);
  CHECK(world.intake.commits == 3);
  CHECK(world.intake.durable.size() == 1);
  CHECK_FALSE(world.intake.place.has_value());
}

TEST_CASE("each window waits for its room, with its place on disk before it") {
  World world;
  world.set_room(kWindowBytes - 1);
  auto& told = world.accept(world.offer(large_body()));
  for (int look = 0; look < 5; ++look) world.next_look();
  CHECK(world.intake.commits == 0);
  CHECK_FALSE(world.intake.place.has_value());
  world.set_room(2 * kWindowBytes);
  world.intake.answer_at_once = false;
  world.next_look();
  CHECK(world.intake.commits == 1);
  CHECK_FALSE(world.intake.place.has_value());
  world.set_room(0);
  std::exchange(world.intake.fragments_done, nullptr)(rt::ok());
  CHECK(world.intake.place == place_of(large_body(), kWindowBytes));
  world.next_look();
  CHECK(world.intake.commits == 1);
  world.set_room(2 * kWindowBytes);
  world.intake.answer_at_once = true;
  world.next_look();
  CHECK(told->has_value());
  CHECK_FALSE(world.intake.place.has_value());
  const bool same = world.written() == large_body();
  CHECK(same);
  CHECK(world.reads == 9);
}

TEST_CASE("a window that is refused after all waits, and is not read again") {
  for (const Errc code : {Errc::kFull, Errc::kBusy}) {
    World world;
    world.intake.fragment_error = rt::Error{code, "no room"};
    auto& told = world.accept(world.offer(large_body()));
    world.next_look();
    CHECK_FALSE(told.has_value());
    CHECK(world.reads == 4);
    world.intake.fragment_error.reset();
    world.next_look();
    CHECK(told->has_value());
    CHECK(world.reads == 9);
  }
}

TEST_CASE("a body goes on where a former life stood, before all others") {
  World world;
  world.intake.place = place_of(large_body(), kWindowBytes);
  world.start();
  auto& other = world.accept(world.offer("other", false));
  auto& third = world.accept(world.offer(test::body_bytes(99, 7)));
  world.sim.run_for(1min);
  CHECK_FALSE(other.has_value());
  CHECK_FALSE(third.has_value());
  CHECK(world.reads == 0);
  auto& told = world.accept(world.offer(large_body()));
  CHECK(told->has_value());
  CHECK(other->has_value());
  CHECK(third->has_value());
  const bool rest = world.written().starts_with(large_body().substr(kWindowBytes));
  CHECK(rest);
  CHECK_FALSE(world.intake.place.has_value());
}

TEST_CASE("what a former life had begun and nobody offers any more is given up") {
  World world;
  world.intake.place = place_of(large_body(), kWindowBytes);
  world.start();
  auto& other = world.accept(world.offer("other", false));
  world.sim.run_for(BodyWriter::kBegunWaitMax - rt::Seconds(1));
  CHECK_FALSE(other.has_value());
  CHECK(world.intake.place.has_value());
  world.sim.run_for(2s);
  CHECK(other->has_value());
  CHECK_FALSE(world.intake.place.has_value());
  auto& late = world.accept(world.offer(large_body()));
  CHECK(late->has_value());
  CHECK(world.intake.fragments.size() == 10);
}

TEST_CASE("nothing is begun before it is known what was") {
  World world;
  world.intake.loads_place_at_once = false;
  world.start();
  auto& told = world.accept(world.offer("abc", false));
  CHECK_FALSE(told.has_value());
  world.intake.place_loaded();
  CHECK(told->has_value());
  SUBCASE("it cannot be read") {
    world.intake.loads_place_at_once = true;
    world.intake.place_error = rt::Error{Errc::kIo, "reading"};
    world.start();
    CHECK(world.accept(world.offer("def", false))->has_value());
  }
}

TEST_CASE("the one that was begun finds a place, however many wait") {
  World world;
  world.intake.place = place_of(large_body(), kWindowBytes);
  world.start();
  for (std::size_t i = 0; i < BodyWriter::kBodiesMax; ++i) world.accept(world.offer("abc", false));
  CHECK(world.accept(world.offer("abc", false))->error().code == Errc::kBusy);
  CHECK(world.accept(world.offer(large_body()))->has_value());
  for (std::size_t i = 0; i < BodyWriter::kBodiesMax; ++i) CHECK(world.outcomes[i]->has_value());
}

TEST_CASE("while a window waits for room others are told so at once, those before it as well") {
  World world;
  world.intake.answer_at_once = false;
  auto& told = world.accept(world.offer(large_body()));
  auto& before = world.accept(world.offer("before", false));
  auto& next = world.accept(world.offer(test::body_bytes(99, 7)));
  CHECK_FALSE(before.has_value());
  world.set_room(0);
  world.intake.answer_at_once = true;
  std::exchange(world.intake.fragments_done, nullptr)(rt::ok());
  CHECK(before->error().code == Errc::kFull);
  CHECK(world.accept(world.offer("after", false))->error().code == Errc::kFull);
  CHECK(world.writer->find_room(1).error().code == Errc::kFull);
  CHECK_FALSE(next.has_value());
  world.set_room(1 << 30);
  world.next_look();
  CHECK(told->has_value());
  CHECK(next->has_value());
  CHECK(world.writer->find_room(1).has_value());
  CHECK(world.accept(world.offer("later", false))->has_value());
}

TEST_CASE("a body that fails in the middle is given up, and holds up nobody") {
  World world;
  world.intake.answer_at_once = false;
  auto& told = world.accept(world.offer(large_body()));
  auto& other = world.accept(world.offer("other", false));
  world.intake.answer_at_once = true;
  SUBCASE("it cannot be read") {
    world.read_error = rt::Error{Errc::kIo, "gone"};
    std::exchange(world.intake.fragments_done, nullptr)(rt::ok());
    CHECK(other->error().code == Errc::kIo);
  }
  SUBCASE("it cannot be written") {
    std::exchange(world.intake.fragments_done, nullptr)(rt::Error{Errc::kIo, "broken"});
    CHECK(other->has_value());
  }
  CHECK(told->error().code == Errc::kIo);
  CHECK_FALSE(world.intake.place.has_value());
  world.read_error.reset();
  CHECK(world.accept(world.offer("later", false))->has_value());
}

TEST_CASE("when only its reading finds no room others go on, and a restart begins it anew") {
  World world;
  world.intake.answer_at_once = false;
  auto& told = world.accept(world.offer(test::body_bytes(10, 3)));
  std::exchange(world.intake.fragments_done, nullptr)(rt::ok());
  world.intake.refuse({Errc::kFull, "full"});
  CHECK_FALSE(told.has_value());
  world.intake.answer_at_once = true;
  CHECK(world.accept(world.offer("other", false))->has_value());
  CHECK_FALSE(world.intake.place.has_value());
  world.sim.run_for(BodyWriter::kTellAgain);
  CHECK(told->has_value());
}

TEST_CASE("where a body stands survives its encoding, and is refused where it is none") {
  const std::string bytes = large_body();
  const BodyPlace good = place_of(bytes, kWindowBytes);
  CHECK(decode_body_place(encode(good)) == good);
  const std::string hash = good.hash.hex();
  for (const std::string& text :
       {std::string(), hash, hash + " 100000", hash + " 100000 98304 ", hash + " 100000 98305",
        hash + " 98304 98304", hash + " 100000 0", hash + "  100000 98304", hash + " 1e5 98304",
        hash + " -100000 98304", hash.substr(1) + " 100000 98304",
        hash + " 99999999999999999999 98304", hash + " 4294967297 98304"}) {
    INFO(text);
    CHECK_FALSE(decode_body_place(text).has_value());
  }
  CHECK(decode_body_place(hash + " 100000 98304").has_value());
}

}  // namespace fieldpost::agent
