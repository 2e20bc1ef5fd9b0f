#include <doctest/doctest.h>

#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "firmware-bridge/devices/modbus_session.h"
#include "tests/support/fakes/fake_reading_sink.h"
#include "tests/support/sim/sim_log.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::bridge {
namespace {

using rt::Errc;
using rt::Error;

/// Answers every round with `answer`, a tenth of a second later.
class FakeLink final : public ModbusLink {
 public:
  explicit FakeLink(rt::Loop& loop) : loop_(loop) {}
  void read_round(OnRound on_round) override {
    rounds += 1;
    loop_.after(rt::Millis(100), [this, on_round = std::move(on_round)] { on_round(answer()); });
  }
  [[nodiscard]] const ModbusCounts& counts() const override { return told; }

  int rounds = 0;
  ModbusCounts told;
  std::function<rt::Result<std::vector<Measured>>()> answer;

 private:
  rt::Loop& loop_;
};

struct Bench {
  Bench() {
    config.name = "meter";
    config.address = parse_port_address("tcp://127.0.0.1:502").value();
    config.protocol.kind = ProtocolOptions::Kind::kModbus;
    config.protocol.modbus_every = rt::Seconds(1);
    config.measurement = "power";
    config.tags = {{"hall", "2"}};
    auto made = std::make_unique<FakeLink>(loop);
    link = made.get();
    answer_with(7.5);
    session = std::make_unique<ModbusSession>(ModbusSession::Ports{loop, log, sink}, config,
                                              std::move(made));
  }
  void answer_with(double value) {
    link->answer = [value] {
      Measured reading;
      reading.key.field = "p";
      reading.key.unit = "W";
      reading.value = mapping::DeviceValue::of(value);
      return std::vector<Measured>{reading};
    };
  }
  void fail_with(Errc code, const std::string& why) {
    link->answer = [code, why]() -> rt::Result<std::vector<Measured>> { return Error{code, why}; };
  }
  Verdict verdict_after(rt::Nanos span) {
    world.run_for(span);
    return session->state().diagnosis.verdict;
  }

  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimLog log{world, "bridge"};
  sim::FakeReadingSink sink;
  DeviceConfig config;
  FakeLink* link = nullptr;
  std::unique_ptr<ModbusSession> session;
};

}  // namespace

TEST_CASE("a Modbus device is asked once each interval, and its values get whole keys") {
  Bench bench;
  CHECK(bench.verdict_after(rt::Millis(5050)) == Verdict::kGood);
  CHECK(bench.link->rounds == 6);
  REQUIRE(bench.sink.readings.size() == 5);
  CHECK(bench.sink.readings[0].starts_with("power,device=meter,hall=2 p"));
  CHECK(bench.sink.readings[0].ends_with(" = 7.5"));
  CHECK(bench.session->state().readings == 5);
}

TEST_CASE("each way in which a Modbus device fails is a diagnosis of its own") {
  Bench bench;
  const std::pair<Errc, Verdict> kWays[] = {{Errc::kUnavailable, Verdict::kSilent},
                                            {Errc::kCorrupt, Verdict::kBadChecksums},
                                            {Errc::kBusy, Verdict::kBusy},
                                            {Errc::kDenied, Verdict::kDenied},
                                            {Errc::kNotFound, Verdict::kNotPluggedIn},
                                            {Errc::kInvalid, Verdict::kNotUnderstood},
                                            {Errc::kIo, Verdict::kPortFailed}};
  for (const auto& [code, verdict] : kWays) {
    bench.fail_with(code, "this is why");
    CHECK(bench.verdict_after(rt::Seconds(6)) == verdict);
    CHECK(bench.session->state().diagnosis.text == "this is why");
  }
  CHECK(bench.log.count_containing("device meter at tcp://127.0.0.1:502: this is why") ==
        std::size(kWays));
  bench.answer_with(1);
  CHECK(bench.verdict_after(rt::Seconds(6)) == Verdict::kGood);
}

TEST_CASE("a Modbus device where nobody listens is unreachable, and not silent") {
  Bench bench;
  bench.link->answer = [&bench]() -> rt::Result<std::vector<Measured>> {
    bench.link->told.others += 1;
    return Error{Errc::kUnavailable, "connecting to tcp://127.0.0.1:502: Connection refused"};
  };
  CHECK(bench.verdict_after(rt::Seconds(6)) == Verdict::kUnreachable);
  bench.fail_with(Errc::kUnavailable, "no answer within 1 s");
  CHECK(bench.verdict_after(rt::Seconds(6)) == Verdict::kSilent);
}

TEST_CASE("a Modbus device's other diagnosis is among the readings at once") {
  Bench bench;
  bench.world.run_for(rt::Millis(5'500));
  REQUIRE(bench.sink.metrics.size() == 2);  // as it began, and when it was found to be good
  CHECK(bench.sink.metric("diagnosis") == "good");
  bench.fail_with(Errc::kInvalid, "illegal function");
  bench.world.run_for(rt::Millis(4'000));  // before the next are due
  REQUIRE(bench.sink.metrics.size() == 3);
  CHECK(bench.sink.metric("diagnosis") == "not_understood");
  CHECK(bench.sink.metric("advice") == "illegal function");
  bench.world.run_for(rt::Seconds(1));
  CHECK(bench.sink.metrics.size() == 4);
}

TEST_CASE("a Modbus device that answers without a number, or in part, is told") {
  Bench bench;
  bench.link->answer = [] { return std::vector<Measured>{}; };
  CHECK(bench.verdict_after(rt::Seconds(20)) == Verdict::kNoReadings);
  bench.answer_with(1);
  bench.link->told.why = "holding 7: illegal data address";
  CHECK(bench.verdict_after(rt::Seconds(6)) == Verdict::kNotUnderstood);
  CHECK(bench.session->state().diagnosis.text == "holding 7: illegal data address");
}

TEST_CASE("a Modbus device that is asked seldom is good between its rounds, too") {
  Bench bench;
  bench.config.protocol.modbus_every = rt::Seconds(60);
  auto made = std::make_unique<FakeLink>(bench.loop);
  FakeLink* link = made.get();
  link->answer = bench.link->answer;
  const ModbusSession session({bench.loop, bench.log, bench.sink}, bench.config, std::move(made));
  bench.world.run_for(rt::Seconds(59));
  CHECK(session.state().diagnosis.verdict == Verdict::kGood);
  link->answer = [] { return std::vector<Measured>{}; };
  bench.world.run_for(rt::Seconds(120));
  CHECK(link->rounds == 3);
  CHECK(session.state().diagnosis.verdict == Verdict::kGood);
  bench.world.run_for(rt::Seconds(10));
  CHECK(session.state().diagnosis.verdict == Verdict::kNoReadings);
}

TEST_CASE("after a failure a Modbus device is left alone for a while") {
  Bench bench;
  bench.config.protocol.modbus_every = rt::Millis(10);
  auto made = std::make_unique<FakeLink>(bench.loop);
  FakeLink* link = made.get();
  link->answer = []() -> rt::Result<std::vector<Measured>> { return Error{Errc::kIo, "no"}; };
  const ModbusSession session({bench.loop, bench.log, bench.sink}, bench.config, std::move(made));
  bench.world.run_for(rt::Millis(10'500));
  CHECK(link->rounds == 10);
}

TEST_CASE("a Modbus device's counts are among the readings") {
  Bench bench;
  bench.link->told.rounds = 3;
  bench.link->told.timeouts = 2;
  bench.link->told.damaged = 1;
  bench.world.run_for(rt::Seconds(11));
  CHECK(bench.sink.metric("frames") == "3");
  CHECK(bench.sink.metric("bad") == "2");
  CHECK(bench.sink.metric("bad_checksum") == "1");
}

}  // namespace fieldpost::bridge
