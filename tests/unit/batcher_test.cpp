#include "agent/spool/batcher.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "proto/wire/readings_codec.h"
#include "tests/support/fakes/fake_intake.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_world.h"

using namespace std::chrono_literals;  // NOLINT
using namespace fieldpost;             // NOLINT
using agent::Accepted;
using agent::ClosedBatch;

namespace {

using Texts = std::vector<std::string>;

struct Bench {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "host"};
  std::vector<ClosedBatch> closed;
  agent::Batcher batcher{
      loop, clock, {}, [this](ClosedBatch b) { closed.push_back(std::move(b)); }};
  wire::LineParser parser;

  wire::ParsedLines parse(const std::string& text) {
    return parser.parse(text, {.precision = {}, .now = {777}, .tags = {}});
  }
  void add_durable(const std::string& text) {
    batcher.add_durable(parse(text), {1, {}, [](const rt::Result<Accepted>&) {}});
  }
  /// What the batches become: "boot|own key = value @time …" a record.
  Texts records() {
    wire::BatchEncoder encoder{wire::EncoderOptions{}};
    Texts out;
    for (ClosedBatch& batch : std::exchange(closed, {})) {
      const auto encoded = encoder.encode(std::move(batch.readings));
      REQUIRE(encoded.has_value());
      for (const wire::EncodedReadings& each : *encoded) out.push_back(text_of(each));
    }
    return out;
  }
  static std::string text_of(const wire::EncodedReadings& encoded) {
    const wire::Record& record = encoded.record;
    const auto raw = wire::decompress(record.payload, record.codec, record.raw_size);
    REQUIRE(raw.has_value());
    wire::ParsedLines lines;
    lines.keys = encoded.set->keys;
    lines.types = encoded.set->types;
    lines.columns = wire::decode_columns(*raw, lines.types)->columns;
    std::string text = record.boot_stamped ? "boot" : "own";
    for (const std::string& reading : sim::readings_of(lines)) text += ' ' + reading;
    return text;
  }
};

}  // namespace

TEST_CASE("readings stamped by an unsynchronised clock are a record apart from those with times") {
  Bench bench;
  bench.clock.set_synchronised(false);
  bench.add_durable("m v=1 5\nm v=2\nm v=3 6\n");
  bench.world.run_for(1s);
  REQUIRE(bench.closed.size() == 1);  // one commit, one answer
  CHECK(bench.closed[0].count == 3);
  CHECK(bench.closed[0].waiters.size() == 1);
  CHECK(bench.records() == Texts{"own m v f = 1 @5 m v f = 3 @6", "boot m v f = 2 @777"});
}

TEST_CASE("strings follow their readings into the two records") {
  Bench bench;
  bench.clock.set_synchronised(false);
  bench.batcher.add_sampled(
      bench.parse("m s=\"a\" 5\nm s=\"b\"\nm s=\"a\"\nm s=\"c\" 6\nm s=\"b\" 7\nn x=1i 8\n"));
  bench.world.run_for(1s);
  CHECK(bench.records() ==
        Texts{"own m s s = \"a\" @5 m s s = \"c\" @6 m s s = \"b\" @7 n x i = 1i @8",
              "boot m s s = \"b\" @777 m s s = \"a\" @777"});
}

TEST_CASE("with a synchronised clock, or with readings of one sort, nothing is split") {
  Bench bench;
  bench.add_durable("m v=1 5\nm v=2\n");
  bench.world.run_for(1s);
  CHECK(bench.records() == Texts{"own m v f = 1 @5 m v f = 2 @777"});
  bench.batcher.on_durable_done();

  bench.clock.set_synchronised(false);
  bench.add_durable("m v=1\nm v=2\n");
  bench.world.run_for(1s);
  CHECK(bench.records() == Texts{"boot m v f = 1 @777 m v f = 2 @777"});
  bench.batcher.on_durable_done();

  bench.add_durable("m v=1 5\n");
  bench.world.run_for(1s);
  CHECK(bench.records() == Texts{"own m v f = 1 @5"});
}

TEST_CASE("no more than two durable batches are under way; the next closes when one is done") {
  Bench bench;
  for (int i = 0; i < 3; ++i) {
    bench.add_durable("m v=1 5\n");
    bench.world.run_for(1s);
  }
  CHECK(bench.closed.size() == 2);
  CHECK(bench.batcher.waiting_readings() == 1);
  bench.batcher.on_durable_done();
  CHECK(bench.closed.size() == 3);
  CHECK(bench.batcher.waiting_readings() == 0);
}
