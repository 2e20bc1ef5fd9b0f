// Bodies into the spool: the order of what becomes durable, and when a producer is told what.
#include "agent/sources/body_writer.h"

#include <doctest/doctest.h>

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fakes/fake_intake.h"
#include "tests/support/sample_bodies.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_loop.h"

namespace fieldpost::agent {
namespace {

using rt::Errc;

struct World {
  World() { intake.answer_at_once = false; }

  BodyOffer offer(const std::string& bytes, const std::string& measurement = "camera") {
    BodyOffer out;
    out.reference = {wire::sha256(bytes), bytes.size(), "image/jpeg", "a.jpg"};
    out.series = {measurement, {{"site", "roof"}}, "frame", wire::ValueType::kString, ""};
    out.time = {1'000};
    out.read = [this, bytes](std::uint64_t offset, std::size_t size, auto done) {
      reads += 1;
      if (read_error) return done(*read_error);
      done(bytes.substr(offset, size));
    };
    return out;
  }
  std::optional<rt::Status>& accept(BodyOffer body) {
    auto& told = outcomes.emplace_back();
    writer.accept(std::move(body), [&told](const rt::Status& status) { told = status; });
    return told;
  }
  void fragments_written() { std::exchange(intake.fragments_done, nullptr)(rt::ok()); }

  sim::SimWorld sim{1};
  sim::SimLoop loop{sim};
  sim::SimWallClock clock{sim, "node"};
  sim::FakeIntake intake;
  std::deque<std::optional<rt::Status>> outcomes;
  std::optional<rt::Error> read_error;
  int reads = 0;
  BodyWriter writer{loop, clock, intake};
};

std::string bytes_of(const std::vector<wire::Record>& records) {
  std::string out;
  for (const wire::Record& record : records) {
    const auto fragment = wire::decode_fragment(record.payload);
    REQUIRE(fragment);
    REQUIRE(fragment->offset == out.size());
    out += fragment->bytes;
  }
  return out;
}

}  // namespace

TEST_CASE("the reading that tells of a body is offered after all its fragments are on disk") {
  World world;
  const std::string bytes = test::body_bytes(5 * wire::kFragmentBytes + 1, 1);
  auto& told = world.accept(world.offer(bytes));
  CHECK(world.intake.fragments.size() == BodyWriter::kFragmentsPerCommit);
  CHECK(world.reads == static_cast<int>(BodyWriter::kFragmentsPerCommit));
  world.fragments_written();
  CHECK(world.intake.fragments.size() == 6);
  CHECK(world.intake.waiting.empty());
  world.fragments_written();
  const bool same = bytes_of(world.intake.fragments) == bytes;
  CHECK(same);
  REQUIRE(world.intake.waiting.size() == 1);
  CHECK(!told);
  CHECK(sim::readings_of(world.intake.waiting.front().lines) ==
        std::vector<std::string>{"camera,site=roof frame s = \"" +
                                 wire::encode(world.offer(bytes).reference) + "\" @1000"});
  world.intake.answer();
  REQUIRE(told);
  CHECK(told->has_value());
  CHECK(world.intake.fragments.front().first_time == 1'000);
}

TEST_CASE("bodies are written one after the other, so that the fragments of one lie together") {
  World world;
  const std::string first = test::body_bytes(5 * wire::kFragmentBytes, 1);
  auto& one = world.accept(world.offer(first));
  auto& two = world.accept(world.offer(test::body_bytes(10, 2)));
  world.fragments_written();
  world.fragments_written();
  CHECK(world.intake.fragments.size() == 5);
  world.intake.answer();
  CHECK(one.has_value());
  CHECK(world.intake.fragments.size() == 6);
  world.fragments_written();
  world.intake.answer();
  REQUIRE(two);
  CHECK(two->has_value());
}

TEST_CASE("a body for which there is no room is refused before a byte of it is written") {
  World world;
  world.intake.room = {.bytes_free = 50'000, .bytes_max = 200'000};
  auto& full = world.accept(world.offer(test::body_bytes(60'000, 1)));
  auto& never = world.accept(world.offer(test::body_bytes(200'000, 2)));
  CHECK(full->error().code == Errc::kFull);
  CHECK(never->error().code == Errc::kInvalid);
  CHECK(world.reads == 0);
  auto& fits = world.accept(world.offer(test::body_bytes(40'000, 3)));
  world.fragments_written();
  world.intake.answer();
  CHECK(fits->has_value());
}

TEST_CASE("a body that cannot be is refused at once") {
  World world;
  CHECK(world.accept(world.offer("")).value().error().code == Errc::kInvalid);
  CHECK(world.accept(world.offer("x", "")).value().error().code == Errc::kInvalid);
  BodyOffer offer = world.offer("x");
  offer.reference.type = "jpeg";
  CHECK(world.accept(std::move(offer)).value().error().code == Errc::kInvalid);
  CHECK(world.reads == 0);
}

TEST_CASE(
    "when a piece cannot be read, or is short, or not written, no reading tells of the body") {
  World world;
  world.read_error = rt::Error{Errc::kIo, "gone"};
  CHECK(world.accept(world.offer("abc")).value().error().code == Errc::kIo);
  world.read_error.reset();
  BodyOffer short_one = world.offer("abc");
  short_one.reference.size = 4;
  CHECK(world.accept(std::move(short_one)).value().error().code == Errc::kInvalid);
  world.intake.fragment_error = rt::Error{Errc::kFull, "full"};
  CHECK(world.accept(world.offer("abc")).value().error().code == Errc::kFull);
  CHECK(world.intake.waiting.empty());
  world.intake.fragment_error.reset();
  auto& after = world.accept(world.offer("abc"));
  world.fragments_written();
  world.intake.answer();
  CHECK(after->has_value());
}

TEST_CASE("a body that cannot be written does not hold up those behind it") {
  World world;
  auto& fails = world.accept(world.offer("abc"));
  auto& behind = world.accept(world.offer("def"));
  std::exchange(world.intake.fragments_done, nullptr)(rt::Error{Errc::kIo, "gone"});
  CHECK(fails->error().code == Errc::kIo);
  REQUIRE(world.intake.fragments.size() == 2);
  world.fragments_written();
  world.intake.answer();
  REQUIRE(behind);
  CHECK(behind->has_value());
}

TEST_CASE("a patient body whose reading finds no room is not written anew") {
  World world;
  BodyOffer patient = world.offer("abc");
  patient.patient = true;
  auto& told = world.accept(std::move(patient));
  world.fragments_written();
  world.intake.refuse({Errc::kFull, "full"});
  CHECK(!told);
  world.sim.run_for(BodyWriter::kTellAgain);
  REQUIRE(world.intake.waiting.size() == 1);
  world.intake.answer();
  CHECK(told->has_value());
  CHECK(world.intake.fragments.size() == 1);
  CHECK(world.intake.durable.size() == 1);
  auto& other = world.accept(world.offer("abc"));
  world.fragments_written();
  world.intake.refuse({Errc::kFull, "full"});
  CHECK(other->error().code == Errc::kFull);
}

TEST_CASE("a patient body that waits for its reading holds up no other") {
  World world;
  BodyOffer patient = world.offer("abc");
  patient.patient = true;
  auto& waits = world.accept(std::move(patient));
  auto& behind = world.accept(world.offer("def"));
  world.fragments_written();
  world.intake.refuse({Errc::kFull, "full"});
  CHECK(!waits);
  REQUIRE(world.intake.fragments.size() == 2);
  world.fragments_written();
  world.intake.answer();
  CHECK(behind->has_value());
  auto& later = world.accept(world.offer("ghi"));
  world.fragments_written();
  world.intake.refuse({Errc::kFull, "full"});
  CHECK(later->error().code == Errc::kFull);

  world.sim.run_for(BodyWriter::kTellAgain);
  world.intake.refuse({Errc::kFull, "full"});
  CHECK(!waits);
  world.sim.run_for(BodyWriter::kTellAgain);
  world.intake.answer();
  CHECK(waits->has_value());
  CHECK(world.intake.fragments.size() == 3);
}

TEST_CASE("so many patient bodies wait for their readings at most") {
  World world;
  const auto refuse_one = [&]() -> std::optional<rt::Status>& {
    BodyOffer patient = world.offer("abc");
    patient.patient = true;
    auto& told = world.accept(std::move(patient));
    world.fragments_written();
    world.intake.refuse({Errc::kFull, "full"});
    return told;
  };
  for (std::size_t i = 0; i < BodyWriter::kParkedMax; ++i) CHECK(!refuse_one());
  CHECK(refuse_one().value().error().code == Errc::kFull);
  world.sim.run_for(BodyWriter::kTellAgain);
  REQUIRE(world.intake.waiting.size() == BodyWriter::kParkedMax);
  while (!world.intake.waiting.empty()) world.intake.answer();
  CHECK(world.outcomes.front()->has_value());
}

TEST_CASE("so many bodies wait at most") {
  World world;
  for (std::size_t i = 0; i < BodyWriter::kBodiesMax + 1; ++i) {
    CHECK(!world.accept(world.offer("abc")));
  }
  CHECK(world.accept(world.offer("abc")).value().error().code == Errc::kBusy);
}

TEST_CASE("a body that came without a time is stamped") {
  World world;
  BodyOffer offer = world.offer("abc");
  offer.stamped = true;
  world.accept(std::move(offer));
  world.fragments_written();
  REQUIRE(world.intake.waiting.size() == 1);
  CHECK(world.intake.waiting.front().lines.readings_stamped == 1);
}

}  // namespace fieldpost::agent
