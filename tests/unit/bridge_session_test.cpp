// One board, from its port to the sink.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "firmware-bridge/devices/device_session.h"
#include "firmware-bridge/devices/message_session.h"
#include "firmware-bridge/devices/reading_keys.h"
#include "firmware-bridge/devices/session_board.h"
#include "firmware-bridge/framing/frame_reader.h"
#include "firmware-bridge/protocols/make_protocol.h"
#include "tests/support/fakes/fake_bridge_ports.h"
#include "tests/support/fakes/fake_bridge_protocol.h"
#include "tests/support/fakes/fake_reading_sink.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_log.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_world.h"

using namespace std::chrono_literals;  // NOLINT
using namespace fieldpost;             // NOLINT
using bridge::DeviceConfig;
using bridge::DeviceSession;
using bridge::MessageSession;
using Texts = std::vector<std::string>;

namespace {

constexpr const char* kPath = "/dev/uno";
constexpr const char* kUrl = "http://127.0.0.1:9000/in";

DeviceConfig serial_config() {
  DeviceConfig config;
  config.name = "uno";
  config.address.path = kPath;
  config.measurement = "board";
  config.tags = {{"room", "lab"}};
  config.protocol.units = {{"t", "Cel"}};
  return config;
}

DeviceConfig http_config() {
  DeviceConfig config = serial_config();
  config.address = bridge::parse_port_address(kUrl).value();
  return config;
}

struct Bench {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "host"};
  sim::SimLog log{world, "bridge"};
  sim::FakeBridgePorts ports{loop};
  sim::FakeReadingSink sink;
  std::unique_ptr<DeviceSession> session;
  std::unique_ptr<MessageSession> messages;

  Bench() { log.keep_from(rt::LogLevel::kInfo); }
  sim::FakeBoard& board() { return ports.board(kPath); }
  bridge::DevicePorts device_ports() { return {loop, clock, log, ports, sink}; }
  void start(
      DeviceConfig config = serial_config(),
      std::unique_ptr<bridge::Protocol> protocol = std::make_unique<sim::FakeBridgeProtocol>()) {
    session =
        std::make_unique<DeviceSession>(device_ports(), std::move(config), std::move(protocol));
    world.run_for(10ms);
  }
  void start_messages() {
    messages = std::make_unique<MessageSession>(device_ports(), http_config(),
                                                std::make_unique<sim::FakeBridgeProtocol>(""));
    world.run_for(10ms);
  }
  /// A line each `every`, for `span`.
  void say_for(const std::string& line, rt::Nanos span, rt::Nanos every = 500ms) {
    for (rt::Nanos passed{0}; passed < span; passed += every) {
      board().say(line);
      world.run_for(every);
    }
  }
  std::string diagnosis() const {
    return std::string(to_string(session->state().diagnosis.verdict));
  }
  Texts logged() const {
    Texts out;
    for (const auto& line : log.lines()) out.push_back(line.text);
    return out;
  }
};

/// Times between openings, in milliseconds.
std::vector<std::int64_t> pauses(const std::vector<rt::Nanos>& tried) {
  std::vector<std::int64_t> out;
  for (std::size_t i = 1; i < tried.size(); ++i) {
    out.push_back(std::chrono::duration_cast<rt::Millis>(tried[i] - tried[i - 1]).count());
  }
  return out;
}

std::string device_frame(bridge::FrameKind kind, std::uint16_t sequence, std::string_view body) {
  return bridge::make_frame(bridge::encode_device_frame(kind, sequence, body));
}

}  // namespace

TEST_CASE("a board is asked who it is, and its readings are offered with whole keys") {
  Bench bench;
  bench.start();
  REQUIRE(bench.board().is_open());
  CHECK(bench.board().baud() == 115200);
  CHECK(bench.board().sent == "?\n");
  bench.board().say("h uno 1.2\nr t 20\nr x 3\n");
  CHECK(bench.sink.readings ==
        Texts{"board,device=uno,room=lab t f Cel = 20", "board,device=uno,room=lab x f = 3"});
  const auto state = bench.session->state();
  CHECK(state.port == "/dev/ttyUSB0");
  CHECK(state.readings == 2);
  REQUIRE(state.hello);
  CHECK(state.hello->firmware == "1.2");
  CHECK(bench.sink.waiting.empty());
}

TEST_CASE("what a board names itself stays, but not what board it is") {
  std::vector<bridge::Measured> readings(1);
  readings[0].key = {
      "own", {{"device", "liar"}, {"room", "roof"}}, "v", wire::ValueType::kF64, "V"};
  readings[0].value = mapping::DeviceValue::of(std::int64_t{7});
  DeviceConfig config = serial_config();
  config.tags = {{"a", "1"}, {"room", "lab"}};
  CHECK(bridge::complete_keys(config, readings) == 0);
  CHECK(readings[0].key.text() == "own,a=1,device=uno,room=roof v i V");
}

TEST_CASE("a reading whose key is none is counted and not offered") {
  Bench bench;
  DeviceConfig config = serial_config();
  config.tags = {{"room", std::string(5000, 'x')}};
  bench.start(config);
  bench.board().say("r t 20\n");
  CHECK(bench.sink.readings.empty());
  CHECK(bench.session->state().unfit == 1);
  CHECK(bench.session->state().readings == 0);
}

TEST_CASE("a board that is not plugged in is looked for each second, and found") {
  Bench bench;
  bench.board().plugged = false;
  bench.start();
  bench.world.run_for(5500ms);
  CHECK(pauses(bench.board().tried) == std::vector<std::int64_t>(5, 1001));
  CHECK(bench.diagnosis() == "not_plugged_in");
  bench.board().plugged = true;
  bench.world.run_for(1100ms);
  CHECK(bench.board().is_open());
}

TEST_CASE("a port that cannot be opened is tried with growing pauses") {
  Bench bench;
  bench.board().error = rt::Error{rt::Errc::kBusy, "minicom (pid 7) has it"};
  bench.start();
  bench.world.run_for(50s);
  CHECK(pauses(bench.board().tried) ==
        std::vector<std::int64_t>{501, 1001, 2001, 4001, 8001, 10001, 10001, 10001});
  CHECK(bench.logged() == Texts{"bridge: device uno at /dev/uno: port is busy: end what uses it "
                                "(minicom (pid 7) has it)"});
}

TEST_CASE("a board that is pulled out and plugged in again goes on, and is asked again") {
  Bench bench;
  bench.start();
  bench.say_for("h uno 1.2\nr t 20\n", 20s);
  CHECK(bench.diagnosis() == "good");
  bench.board().unplug();
  bench.board().sent.clear();
  bench.world.run_for(8s);
  CHECK(bench.diagnosis() == "not_plugged_in");
  bench.board().plugged = true;
  bench.world.run_for(1100ms);
  CHECK(bench.board().sent == "?\n");
  const auto before = bench.sink.readings.size();
  bench.say_for("r t 21\n", 5s);
  CHECK(bench.sink.readings.size() == before + 10);
  CHECK(bench.diagnosis() == "good");
  CHECK(bench.logged() == Texts{"bridge: device uno at /dev/ttyUSB0: good",
                                "bridge: device uno at /dev/uno: not plugged in: plug it in, or "
                                "mend `port` (no such file)",
                                "bridge: device uno at /dev/ttyUSB0: good"});
}

TEST_CASE("half a line before a board was pulled out is not joined to what comes after") {
  Bench bench;
  bench.start();
  bench.board().say("r t 2");
  bench.board().unplug();
  bench.board().plugged = true;
  bench.world.run_for(2s);
  bench.board().say("0\nr t 21\n");
  CHECK(bench.sink.readings == Texts{"board,device=uno,room=lab t f Cel = 21"});
}

TEST_CASE("a port that closes as soon as it is opened is opened less and less often") {
  Bench bench;
  bench.start();
  for (int i = 0; i < 4000; ++i) {
    bench.board().hang_up("reset by peer");
    bench.world.run_for(10ms);
  }
  CHECK(bench.board().tried.size() <= 9);
  CHECK(bench.diagnosis() == "port_failed");
  CHECK(bench.session->state().diagnosis.text.find("reset by peer") != std::string::npos);
}

TEST_CASE("a board that says nothing is asked again, and no more once it answered and measures") {
  Bench bench;
  bench.start();
  bench.world.run_for(25s);
  CHECK(bench.board().sent == "?\n?\n?\n?\n?\n?\n");
  bench.board().say("h uno 1.2\n");
  bench.board().sent.clear();
  bench.say_for("r t 20\n", 30s);
  CHECK(bench.board().sent.empty());
  bench.world.run_for(11s);
  CHECK(bench.board().sent.size() >= 4);
}

TEST_CASE("a board that restarted unseen or sends what it did not declare is asked again") {
  Bench bench;
  bench.start();
  bench.board().say("h uno 1.2\n");
  bench.world.run_for(1s);
  bench.board().sent.clear();
  for (int i = 0; i < 50; ++i) bench.board().say("a\n");
  CHECK(bench.board().sent == "?\n");
  bench.board().say("h uno 1.2\n");
  bench.say_for("r t 20\n", 10s);
  bench.board().sent.clear();
  bench.board().say("u\n");
  bench.say_for("r t 20\n", 20s);
  CHECK(bench.board().sent == "?\n");
}

TEST_CASE("nothing is asked on a line that does not take what was said before") {
  Bench bench;
  bench.start();
  bench.board().sent.clear();
  bench.board().unsent = DeviceSession::kUnsentBytesMax + 1;
  bench.world.run_for(1min);
  CHECK(bench.board().sent.empty());
}

TEST_CASE("a suspended session gives its port up, says when it is free, and takes it again") {
  Bench bench;
  bench.start();
  bench.say_for("r t 20\n", 5s);
  int freed = 0;
  bench.session->suspend([&] { freed += bench.board().is_open() ? 100 : 1; });
  CHECK(freed == 0);
  bench.world.run_for(1ms);
  CHECK(freed == 1);
  bench.world.run_for(1min);
  CHECK_FALSE(bench.board().is_open());
  CHECK(bench.board().tried.size() == 1);
  CHECK(bench.diagnosis() == "suspended");
  CHECK(bench.session->state().port == "/dev/ttyUSB0");
  bench.session->resume();
  bench.session->resume();
  bench.world.run_for(10ms);
  CHECK(bench.board().is_open());
  CHECK(bench.board().tried.size() == 2);
  CHECK(freed == 1);
}

TEST_CASE("a port that is just being opened is free only when that is over") {
  Bench bench;
  bench.board().open_takes = 5s;
  bench.start();
  bool is_free = false;
  bench.session->suspend([&] { is_free = true; });
  bench.world.run_for(4s);
  CHECK_FALSE(is_free);
  bench.world.run_for(2s);
  CHECK(is_free);
  CHECK_FALSE(bench.board().is_open());
  bench.session->resume();
  bench.world.run_for(6s);
  CHECK(bench.board().is_open());
}

TEST_CASE("a session that waits to try its port again does not while it is suspended") {
  Bench bench;
  bench.board().plugged = false;
  bench.start();
  bool is_free = false;
  bench.session->suspend([&] { is_free = true; });
  bench.board().plugged = true;
  bench.world.run_for(1min);
  CHECK(is_free);
  CHECK(bench.board().tried.size() == 1);
  bench.session->resume();
  bench.world.run_for(10ms);
  CHECK(bench.board().is_open());
}

TEST_CASE("a port that is still being opened when its session is resumed is opened once") {
  Bench bench;
  bench.board().open_takes = 5s;
  bench.start();
  bench.session->suspend([] {});
  bench.session->resume();
  bench.world.run_for(11s);
  CHECK(bench.board().tried.size() == 1);
  CHECK(bench.board().is_open());
}

TEST_CASE("who resumes before the port was free hears nothing any more") {
  Bench bench;
  bench.start();
  bool is_free = false;
  bench.session->suspend([&] { is_free = true; });
  bench.session->resume();
  bench.world.run_for(1s);
  CHECK_FALSE(is_free);
  CHECK(bench.board().is_open());
}

TEST_CASE("a session that ends while its port is being opened leaves it closed") {
  Bench bench;
  bench.board().open_takes = 5s;
  bench.start();
  bench.session.reset();
  bench.world.run_for(10s);
  CHECK(bench.board().tried.size() == 1);
  CHECK_FALSE(bench.board().is_open());
}

TEST_CASE("whoever waits for a new version hears its hello and then its first reading") {
  Bench bench;
  bench.start();
  Texts heard;
  bench.session->set_on_heard([&](const bridge::Heard& piece) {
    if (piece.hello) heard.push_back("hello " + piece.hello->firmware);
    for (const auto& each : piece.readings) heard.push_back(each.key.text());
  });
  bench.board().say("noise\n");
  bench.board().say("b uno 2.0 1\n");
  bench.board().say("r t 20\n");
  CHECK(heard == Texts{"hello 2.0", "board,device=uno,room=lab t f Cel"});
  bench.session->set_on_heard({});
  bench.board().say("r t 21\n");
  CHECK(heard.size() == 2);
  CHECK(bench.sink.readings.size() == 2);
}

TEST_CASE("what a board said of its version is not believed of the one plugged in after it") {
  Bench bench;
  bench.start();
  bridge::SessionBoard board(bench.loop, *bench.session, [](const bridge::PortAddress& address) {
    return rt::Result<std::string>(address.path);
  });
  CHECK(board.version().empty());
  bench.board().say("b uno 2.0 1\n");
  CHECK(board.version() == "2.0");
  bench.board().unplug();
  CHECK(board.version().empty());
  bench.board().plugged = true;
  bench.world.run_for(5s);
  REQUIRE(bench.board().is_open());
  CHECK(board.version().empty());
  CHECK(bench.session->state().hello->firmware == "2.0");
  bench.board().say("h uno 3.0\n");
  CHECK(board.version() == "3.0");
}

TEST_CASE(
    "a flashed board is confirmed by its first reading and its word that it is the firmware") {
  Bench bench;
  bench.start();
  bridge::SessionBoard board(bench.loop, *bench.session, [](const bridge::PortAddress& address) {
    return rt::Result<std::string>(address.path);
  });
  bench.board().say("b uno 1.0 1\nr t 20\n");
  board.suspend([](const rt::Status&) {});
  bench.world.run_for(10s);
  board.resume();
  bench.world.run_for(10ms);
  REQUIRE(bench.board().is_open());
  std::optional<rt::Status> done;
  board.await("2.0", 60s, [&](rt::Status status) { done = std::move(status); });
  std::string failure;
  SUBCASE("a reading, then its word") {
    bench.board().say("r t 20\n");
    bench.world.run_for(1s);
    CHECK_FALSE(done.has_value());
    bench.board().say("h uno 2.0\n");
  }
  SUBCASE("its word, then a reading") {
    bench.board().say("b uno 2.0 1\n");
    bench.world.run_for(1s);
    CHECK_FALSE(done.has_value());
    bench.board().say("r t 20\n");
  }
  SUBCASE("a reading, then the word that it is another one") {
    bench.board().say("r t 20\n");
    bench.board().say("h uno 1.0\n");
    failure = "the board says that it is 1.0, expected was 2.0";
  }
  SUBCASE("its word, but no reading since it was flashed") {
    bench.board().say("b uno 2.0 1\n");
    bench.world.run_for(60s);
    failure = "waiting for the board: it says that it is 2.0, but measures nothing";
  }
  SUBCASE("a reading, but no word") {
    bench.board().say("r t 20\n");
    bench.world.run_for(60s);
    failure = "waiting for the board: it measures, but does not say its version";
  }
  bench.world.run_for(1ms);
  REQUIRE(done.has_value());
  CHECK((*done ? "" : done->error().message) == failure);
}

TEST_CASE("a session may be suspended out of what it tells") {
  Bench bench;
  bench.start();
  bench.session->set_on_heard([&](const bridge::Heard&) {
    bench.session->set_on_heard({});
    bench.session->suspend([] {});
  });
  bench.board().say("r t 20\nr t 21\n");
  CHECK(bench.sink.readings.size() == 2);
  bench.world.run_for(1s);
  CHECK_FALSE(bench.board().is_open());
}

TEST_CASE("what was lost, damaged and not understood is counted, and told each ten seconds") {
  Bench bench;
  bench.start();
  REQUIRE(bench.sink.metrics.size() == 1);
  CHECK(bench.sink.metric("frames") == "0");
  CHECK(bench.sink.metric("diagnosis") == "waiting");
  CHECK(bench.sink.metric("firmware") == "-");
  bench.board().say("b uno 1.2 1\nl 3\nr t 20\nx\nu\nnoise\nl 4\n");
  bench.world.run_for(10s);
  CHECK(bench.sink.metric("frames") == "5");
  CHECK(bench.sink.metric("lost") == "7");
  CHECK(bench.sink.metric("bad") == "1");
  CHECK(bench.sink.metric("bad_checksum") == "1");
  CHECK(bench.sink.metric("undeclared") == "1");
  CHECK(bench.sink.metric("boots") == "1");
  CHECK(bench.sink.metric("bytes") == "37");
  CHECK(bench.sink.metric("firmware") == "1.2");
  const auto& key = bench.sink.metrics.back()[0].key;
  CHECK(key.text() == "fieldpost_bridge,device=uno frames i");
}

TEST_CASE("metrics come each ten seconds, and at once when another diagnosis stands") {
  Bench bench;
  bench.start();
  bench.say_for("r t 20\n", 4s);
  CHECK(bench.sink.metrics.size() == 2);
  CHECK(bench.sink.metric("diagnosis") == "good");
  CHECK(bench.sink.metric("advice") == "good");
  bench.say_for("r t 20\n", 30s);
  CHECK(bench.sink.metrics.size() == 5);
  bench.board().unplug();
  bench.world.run_for(5s);
  CHECK(bench.sink.metric("diagnosis") == "not_plugged_in");
}

TEST_CASE("each trouble of a line is diagnosed, and logged once") {
  struct Trouble {
    const char* line;
    const char* verdict;
  };
  for (const Trouble& trouble :
       {Trouble{"", "silent"}, Trouble{"garbage\n", "no_frames"},
        Trouble{"r t 1\nr t 1\nx\n", "bad_checksums"},
        Trouble{"r t 1\nr t 1\noops\n", "not_understood"}, Trouble{"v\n", "other_version"},
        Trouble{"h u 1\n", "no_readings"}, Trouble{"r t 1\nc 1\n", "clock_wrong"},
        Trouble{"b u 1 4\nr t 1\n", "rebooting"}, Trouble{"r t 1\nh u 1\nl 1\n", "good"}}) {
    INFO("line: ", trouble.line);
    Bench bench;
    bench.start();
    bench.say_for(trouble.line, 60s);
    CHECK(bench.diagnosis() == trouble.verdict);
    CHECK(bench.log.count_containing("device uno at /dev/ttyUSB0: ") == 1);
  }
}

TEST_CASE("a board that never said who it is since its port was opened is told to be deaf") {
  Bench bench;
  bench.start();
  const auto says = [&](const std::string& part) {
    return bench.session->state().diagnosis.text.find(part) != std::string::npos;
  };
  bench.say_for("u\n", 15s);
  CHECK(bench.diagnosis() == "no_readings");
  CHECK(says("does not answer our question"));
  bench.board().say("h uno 1.2\n");
  bench.say_for("u\n", 15s);
  CHECK(says("mend its firmware's series"));
  bench.board().hang_up("");
  bench.say_for("u\n", 20s);
  CHECK(bench.diagnosis() == "no_readings");
  CHECK(says("does not answer our question"));
}

TEST_CASE("trouble that is over is told as over") {
  Bench bench;
  bench.start();
  bench.say_for("garbage\n", 20s);
  CHECK(bench.diagnosis() == "no_frames");
  bench.say_for("r t 1\n", 20s);
  CHECK(bench.diagnosis() == "good");
  bench.world.run_for(20s);
  CHECK(bench.diagnosis() == "silent");
  CHECK(bench.log.lines().size() == 3);
  CHECK(bench.log.count(rt::LogLevel::kWarning) == 2);
}

TEST_CASE("a board is told to be of another version while its frames are, and no longer") {
  Bench bench;
  bench.start();
  bench.say_for("v\n", 20s);
  CHECK(bench.diagnosis() == "other_version");
  bench.say_for("h u 1\n", 20s);
  CHECK(bench.diagnosis() == "no_readings");
  bench.world.run_for(20s);
  CHECK(bench.diagnosis() == "silent");
}

TEST_CASE("a clock that is not synchronised judges nobody's") {
  Bench bench;
  bench.clock.set_synchronised(false);
  bench.start();
  bench.say_for("r t 1\nc 1\n", 20s);
  CHECK(bench.diagnosis() == "good");
}

TEST_CASE("a board that is restarted by flashing is no board that starts again and again") {
  Bench bench;
  bench.start();
  for (int i = 0; i < 2; ++i) {
    bench.board().say("b u 1 2\n");
    bench.say_for("r t 1\n", 2s);
  }
  bench.session->suspend([] {});
  bench.world.run_for(1s);
  bench.session->resume();
  bench.world.run_for(10ms);
  bench.board().say("b u 2 2\n");
  bench.say_for("r t 1\n", 10s);
  CHECK(bench.session->state().boots == 3);
  CHECK(bench.diagnosis() == "good");
}

TEST_CASE("noise is offered as nothing, and the frame after it is read") {
  Bench bench;
  DeviceConfig config = serial_config();
  auto protocol = bridge::make_protocol(config.protocol);
  REQUIRE(protocol);
  bench.start(config, *std::move(protocol));
  sim::Dice dice = bench.world.dice("noise");
  std::string noise;
  for (int i = 0; i < 20'000; ++i) noise += static_cast<char>(dice.below(256));
  bench.board().say(noise);
  CHECK(bench.sink.readings.empty());
  // [ "uno", "1.2", 1 ] and [ "t", "Cel" ], then [ { 0: "t", 2: 20.5 } ]; one frame between is
  // lost.
  bench.board().say(device_frame(bridge::FrameKind::kBoot, 0, "\x83\x63uno\x63\x31.2\x01"));
  bench.board().say(device_frame(bridge::FrameKind::kSeries, 1, "\x82\x61t\x63\x43\x65l"));
  const std::string reading("\x81\xa2\x00\x61t\x02\xf9\x4d\x20", 9);
  bench.board().say(device_frame(bridge::FrameKind::kReadings, 3, reading));
  CHECK(bench.sink.readings == Texts{"board,device=uno,room=lab t f Cel = 20.5"});
  CHECK(bench.session->state().lost == 1);
  CHECK(bench.session->state().boots == 1);
}

TEST_CASE("a board that is slower than `silent_after` is told so once") {
  for (const char* question : {"", "?\n"}) {
    INFO("question: ", question);
    Bench bench;
    bench.start(serial_config(), std::make_unique<sim::FakeBridgeProtocol>(question));
    for (int i = 0; i < 20; ++i) {
      bench.board().say("r t 1\n");
      bench.world.run_for(8s);
      if (*question != '\0') bench.board().say("h u 1\n");
      bench.world.run_for(8s);
    }
    CHECK(bench.diagnosis() == (*question == '\0' ? "silent" : "no_readings"));
    CHECK(bench.log.lines().size() == 2);
    CHECK(bench.log.count(rt::LogLevel::kWarning) == 1);
    bench.say_for("r t 1\n", 10s);
    CHECK(bench.diagnosis() == "good");
  }
}

TEST_CASE("a board that wakes up has the whole window until its first reading") {
  Bench bench;
  bench.start();
  bench.world.run_for(30s);
  CHECK(bench.diagnosis() == "silent");
  bench.board().say("b u 1 1\n");
  bench.world.run_for(8s);
  CHECK(bench.diagnosis() == "waiting");
  bench.say_for("r t 1\n", 5s);
  CHECK(bench.diagnosis() == "good");
  CHECK(bench.log.lines().size() == 2);
}

TEST_CASE("hours of a board leave nothing behind in memory but the last of it") {
  Bench bench;
  bench.start();
  const std::string all = "b u 1 4\nr t 1\nx\nnoise\nl 1\na\n";
  bench.say_for(all, 60s);
  const std::size_t pending = bench.world.events_pending();
  for (int i = 0; i < 240; ++i) {
    bench.board().say(all);
    bench.world.run_for(30s);
    bench.board().hang_up("");
    bench.world.run_for(30s);
  }
  CHECK(bench.session->state().boots == 360);
  CHECK(bench.session->kept() <=
        bridge::BoardRecord::kBootsKeptMax + bridge::RecentTraffic::kMarksMax);
  CHECK(bench.world.events_pending() <= pending);
  CHECK(bench.log.lines().size() < 20);
}

TEST_CASE("a message is answered when its readings are on disk") {
  Bench bench;
  bench.start_messages();
  auto* const door = bench.ports.listening(kUrl);
  REQUIRE(door != nullptr);
  Texts answers;
  const auto answer = [&](const rt::Status& status) {
    answers.push_back(status ? "ok" : status.error().message);
  };
  (*door)("r t 20", answer);
  CHECK(bench.sink.readings == Texts{"board,device=uno,room=lab t f Cel = 20"});
  CHECK(answers.empty());
  REQUIRE(bench.sink.waiting.size() == 1);
  bench.sink.waiting[0](rt::ok());
  CHECK(answers == Texts{"ok"});
  (*door)("r t 21", answer);
  bench.sink.waiting[1](rt::Error{rt::Errc::kFull, "spool is full"});
  CHECK(answers == Texts{"ok", "spool is full"});
}

TEST_CASE("a message that is not understood is refused, and what was good of it is kept") {
  Bench bench;
  bench.start_messages();
  auto* const door = bench.ports.listening(kUrl);
  REQUIRE(door != nullptr);
  Texts answers;
  const auto answer = [&](const rt::Status& status) {
    answers.push_back(status ? "ok" : status.error().message);
  };
  (*door)("oops", answer);
  (*door)("u", answer);
  (*door)("h uno 1.2", answer);
  CHECK(answers ==
        Texts{"reading a message: no such line", "reading a message: it holds no reading", "ok"});
  CHECK(bench.sink.readings.empty());
  answers.clear();
  (*door)("r t 20\noops", answer);
  CHECK(bench.sink.readings.size() == 1);
  REQUIRE(bench.sink.waiting.size() == 1);
  bench.sink.waiting[0](rt::ok());
  CHECK(answers == Texts{"reading a message: no such line"});
}

TEST_CASE("a message that only says who the board is or what it measures is taken") {
  Bench bench;
  bench.start_messages();
  auto* const door = bench.ports.listening(kUrl);
  REQUIRE(door != nullptr);
  Texts answers;
  const auto answer = [&](const rt::Status& status) {
    answers.push_back(status ? "ok" : status.error().message);
  };
  (*door)("s", answer);
  (*door)("b uno 1.2 1\ns", answer);
  (*door)("s\noops", answer);
  (*door)("g", answer);
  CHECK(answers == Texts{"ok", "ok", "reading a message: no such line",
                         "reading a message: it holds no reading"});
}

TEST_CASE(
    "a frame in a message is read by a bridge that heard no declaration, and when it comes again") {
  Bench bench;
  DeviceConfig config = http_config();
  auto protocol = bridge::make_protocol(config.protocol);
  REQUIRE(protocol);
  bench.messages =
      std::make_unique<MessageSession>(bench.device_ports(), config, *std::move(protocol));
  bench.world.run_for(10ms);
  auto* const door = bench.ports.listening(kUrl);
  REQUIRE(door != nullptr);
  // [ { 0: "t", 2: 20.5 } ]
  const std::string reading("\x81\xa2\x00\x61t\x02\xf9\x4d\x20", 9);
  const std::string frame = device_frame(bridge::FrameKind::kReadings, 700, reading);
  (*door)(frame, [](const rt::Status&) {});
  (*door)(frame, [](const rt::Status&) {});
  CHECK(bench.sink.readings == Texts(2, "board,device=uno,room=lab t f Cel = 20.5"));
  CHECK(bench.messages->state().counts.undeclared == 0);
  CHECK(bench.messages->state().lost == 0);
}

TEST_CASE("an answer that comes after the session's end does no harm") {
  Bench bench;
  bench.start_messages();
  int answered = 0;
  auto* const door = bench.ports.listening(kUrl);
  REQUIRE(door != nullptr);
  (*door)("r t 20", [&](const rt::Status&) { answered += 1; });
  bench.messages.reset();
  CHECK(bench.ports.listening(kUrl) == nullptr);
  bench.sink.waiting.at(0)(rt::ok());
  CHECK(answered == 1);
}

TEST_CASE("an address that is taken is tried again, and silence there has its own advice") {
  Bench bench;
  bench.ports.listen_error = rt::Error{rt::Errc::kBusy, "nginx (pid 3) listens there"};
  bench.start_messages();
  bench.world.run_for(4s);
  CHECK(pauses(bench.ports.listen_tried) == std::vector<std::int64_t>{500, 1000, 2000});
  CHECK(bench.log.count_containing("nginx (pid 3)") == 1);
  bench.ports.listen_error.reset();
  bench.world.run_for(30s);
  CHECK(bench.messages->state().diagnosis.verdict == bridge::Verdict::kSilent);
  CHECK(bench.log.count_containing("sends to http://127.0.0.1:9000/in") == 1);
}
