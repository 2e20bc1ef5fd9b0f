// Bodies over the agent's own HTTP.
#include "agent/sources/http_blobs.h"

#include <doctest/doctest.h>

#include <deque>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fakes/fake_http.h"
#include "tests/support/fakes/fake_intake.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_worker.h"

namespace fieldpost::agent {
namespace {

using nlohmann::json;

struct Door {
  test::FakeAnswer& ask(const std::string& method, const std::string& target,
                        const std::string& body, const std::string& key = "") {
    auto& answer = answers.emplace_back();
    rt::HttpHeaders headers{{"Content-Type", "image/png"}};
    if (!key.empty()) headers.add("Idempotency-Key", key);
    door.handle(test::make_request(method, target, std::move(headers), body),
                test::make_responder(answer));
    world.run_for(rt::Seconds{1});
    return answer;
  }
  test::FakeAnswer& post(const std::string& parameters, const std::string& body) {
    return ask("POST", "/api/v1/blobs?" + parameters, body);
  }

  std::deque<test::FakeAnswer> answers;
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "node"};
  sim::SimWorker worker{loop, world.dice("worker")};
  sim::FakeIntake intake;
  BodyWriter writer{loop, clock, intake};
  HttpBlobs door{LinePorts{loop, clock, worker, intake}, writer, "pi-1"};
};

}  // namespace

TEST_CASE("a body over the agent's HTTP is answered when it is on disk") {
  Door door;
  door.intake.answer_at_once = false;
  auto& answer = door.post("measurement=camera&time=7", "bytes");
  REQUIRE(door.intake.fragments.size() == 1);
  std::exchange(door.intake.fragments_done, nullptr)(rt::ok());
  CHECK(!answer.response);
  door.intake.answer();
  REQUIRE(answer.response);
  CHECK(answer.response->status == 201);
  const json document = json::parse(answer.response->body);
  CHECK(document["sha256"] == wire::sha256("bytes").hex());
  CHECK(document["node"] == "pi-1");
  CHECK(document["time"] == "1970-01-01T00:00:00.000000007Z");
  CHECK(door.door.health().readings == 1);
}

TEST_CASE("a body without a time is stamped by the agent") {
  Door door;
  CHECK(door.post("measurement=camera", "bytes").response->status == 201);
  CHECK(door.intake.durable.at(0).readings_stamped == 1);
}

TEST_CASE("the idempotency key of a body goes to the intake with its reading") {
  Door door;
  const std::string target = "/api/v1/blobs?measurement=c";
  CHECK(door.ask("POST", target, "bytes", "k 1").response->status == 201);
  CHECK(door.intake.idempotency_keys == std::vector<std::string>{"k 1"});
  CHECK(door.ask("POST", target, "bytes", std::string(257, 'k')).response->status == 400);
}

TEST_CASE("what is wrong, too much, or in pieces is refused") {
  Door door;
  const std::string hash = "&sha256=" + wire::sha256("bytes").hex();
  CHECK(door.post("", "bytes").response->status == 400);
  CHECK(door.post("measurement=c&sha256=" + wire::sha256("x").hex(), "bytes").response->status ==
        400);
  CHECK(door.post("measurement=c&size=9&offset=0" + hash, "bytes").response->status == 413);
  CHECK(door.post("measurement=c&size=5&offset=0" + hash, "bytes").response->status == 201);
  CHECK(door.ask("GET", "/api/v1/blobs", "").response->status == 405);
  door.intake.room.bytes_free = 0;
  CHECK(door.post("measurement=c", "bytes").response->status == 503);
  CHECK(door.post("measurement=c", "bytes").response->headers.get("Retry-After") == "30");
  CHECK(door.door.health().errors == 4);
}

TEST_CASE("so many bytes of bodies wait at once at most, and make place again") {
  Door door;
  door.intake.answer_at_once = false;
  const std::string half(HttpBlobs::kBodyBytesMax / 2 + 1, 'x');
  auto& first = door.post("measurement=c&time=1", half);
  CHECK(door.post("measurement=c&time=2", half).response->status == 503);
  door.intake.fragment_error = rt::Error{rt::Errc::kIo, "gone"};
  std::exchange(door.intake.fragments_done, nullptr)(rt::ok());
  REQUIRE(first.response);
  CHECK(first.response->status == 500);
  door.intake.fragment_error.reset();
  CHECK(!door.post("measurement=c&time=3", half).response);
}

TEST_CASE("bodies that are stored make place for others") {
  Door door;
  door.intake.answer_at_once = false;
  const std::string half(HttpBlobs::kBodyBytesMax / 2 + 1, 'x');
  for (const std::string time : {"1", "2"}) {
    INFO("time ", time);
    auto& answer = door.post("measurement=c&time=" + time, half);
    while (const auto done = std::exchange(door.intake.fragments_done, nullptr)) done(rt::ok());
    REQUIRE(door.intake.waiting.size() == 1);
    door.intake.answer();
    REQUIRE(answer.response);
    CHECK(answer.response->status == 201);
  }
}

}  // namespace fieldpost::agent
