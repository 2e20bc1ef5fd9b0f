// A look at a board: what it says, and by what settings it is understood.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "firmware-bridge/devices/probe.h"
#include "firmware-bridge/protocols/make_protocol.h"
#include "tests/support/fakes/fake_bridge_ports.h"
#include "tests/support/fakes/fake_bridge_protocol.h"
#include "tests/support/fakes/fake_reading_sink.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_world.h"

using namespace std::chrono_literals;  // NOLINT
using namespace fieldpost;             // NOLINT
using bridge::Probe;
using bridge::ProbeOptions;
using bridge::ProbeReport;
using Kind = bridge::ProtocolOptions::Kind;
using Texts = std::vector<std::string>;

namespace {

constexpr const char* kPath = "/dev/uno";

struct Bench {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "host"};
  sim::FakeBridgePorts ports{loop};
  ProbeOptions options;
  std::unique_ptr<Probe> probe;
  Texts progress;
  std::optional<ProbeReport> report;
  int reports = 0;
  std::size_t captured_most = 0;

  Bench() { options.address.path = kPath; }
  sim::FakeBoard& board() { return ports.board(kPath); }

  void start(Probe::MakeProtocol make) {
    probe = std::make_unique<Probe>(
        bridge::ProbePorts{loop, clock, ports}, options, std::move(make),
        [this](const std::string& line) { progress.push_back(line); },
        [this](ProbeReport found) {
          report = std::move(found);
          reports += 1;
        });
  }
  /// The lines of the configured protocol are those of the fake; others are real.
  void start_fake() {
    start([this](const bridge::ProtocolOptions& protocol)
              -> rt::Result<std::unique_ptr<bridge::Protocol>> {
      if (protocol.kind != options.protocol.kind) return bridge::make_protocol(protocol);
      return std::unique_ptr<bridge::Protocol>(std::make_unique<sim::FakeBridgeProtocol>());
    });
  }
  /// Says `at_baud` while the port is at `baud`, else `otherwise`, each 100 ms until the end.
  void run_saying(unsigned baud, const std::string& at_baud, const std::string& otherwise) {
    for (int i = 0; i < 600 && !report; ++i) {
      board().say(board().baud() == baud ? at_baud : otherwise);
      if (probe) captured_most = std::max(captured_most, probe->captured());
      world.run_for(100ms);
    }
  }
  std::string verdict() const {
    return report ? std::string(to_string(report->diagnosis.verdict)) : "no report";
  }
  bool says(const std::string& part) const {
    return report && report->diagnosis.text.find(part) != std::string::npos;
  }
};

Texts series_of(const ProbeReport& report) {
  Texts out;
  for (const auto& each : report.series) {
    out.push_back(fmt::format("{} = {} ({})", each.key.text(),
                              sim::FakeReadingSink::shown(each.last), each.count));
  }
  return out;
}

}  // namespace

TEST_CASE("a good board is heard for five seconds and described") {
  Bench bench;
  bench.start_fake();
  bench.world.run_for(10ms);
  CHECK(bench.board().sent == "?\n");
  bench.board().say("b uno 1.2 1\nr t 20\nl 2\n");
  bench.world.run_for(4900ms);
  bench.board().say("r t 21\nr x 3\n");
  CHECK_FALSE(bench.report);
  bench.world.run_for(100ms);
  REQUIRE(bench.report);
  CHECK(bench.verdict() == "good");
  CHECK(bench.report->port == "/dev/ttyUSB0");
  CHECK(bench.report->traffic.counts.good == 5);
  CHECK(bench.report->lost == 2);
  CHECK(bench.report->boots == 1);
  REQUIRE(bench.report->hello);
  CHECK(bench.report->hello->name == "uno");
  CHECK(series_of(*bench.report) == Texts{" t f = 21 (2)", " x f = 3 (1)"});
  CHECK(bench.report->fitting_baud == 115200);
  CHECK_FALSE(bench.board().is_open());
  CHECK(bench.board().bauds.size() == 1);
  CHECK(bench.progress.size() == 2);
  CHECK(bench.progress.back() == "5 frames at 115200 baud");
  bench.world.run_for(1min);
  CHECK(bench.reports == 1);
}

TEST_CASE("a board that restarts because it was opened is asked until it says who it is") {
  Bench bench;
  bench.start_fake();
  bench.world.run_for(2500ms);
  CHECK(bench.board().sent == "?\n?\n?\n");
  bench.board().say("h uno 1.2\n");
  bench.world.run_for(2s);
  CHECK(bench.board().sent == "?\n?\n?\n");
  bench.world.run_for(1s);
  CHECK(bench.verdict() == "no_readings");
}

TEST_CASE("a port that cannot be opened is diagnosed as a session would") {
  Bench missing;
  missing.board().plugged = false;
  missing.start_fake();
  missing.world.run_for(10ms);
  CHECK(missing.verdict() == "not_plugged_in");
  Bench busy;
  busy.board().error = rt::Error{rt::Errc::kBusy, "minicom (pid 7) has it"};
  busy.start_fake();
  busy.world.run_for(10ms);
  CHECK(busy.verdict() == "busy");
  CHECK(busy.says("minicom (pid 7)"));
  CHECK(busy.report->port == kPath);
}

TEST_CASE("a silent board is called silent, and nothing else is tried") {
  Bench bench;
  bench.start_fake();
  bench.world.run_for(6s);
  CHECK(bench.verdict() == "silent");
  CHECK(bench.report->fitting_baud == 0);
  CHECK(bench.board().bauds.size() == 1);
}

TEST_CASE("a board that is pulled out while it is looked at is told") {
  Bench bench;
  bench.start_fake();
  bench.world.run_for(2s);
  bench.board().say("h uno 1.2\nr t 20\n");
  bench.board().unplug("input/output error");
  bench.world.run_for(10ms);
  CHECK(bench.verdict() == "port_failed");
  CHECK(bench.says("input/output error"));
  CHECK(bench.report->hello);
  CHECK(bench.report->series.size() == 1);
}

TEST_CASE("where no frame comes, the baud rate at which they come is found") {
  Bench bench;
  bench.start_fake();
  bench.run_saying(38400, "h uno 1.2\nr t 20\n", "\xf8\x80\xf8\x80");
  REQUIRE(bench.report);
  CHECK(bench.board().bauds == std::vector<unsigned>{115200, 9600, 19200, 38400});
  CHECK(bench.report->fitting_baud == 38400);
  CHECK(bench.report->fitting_protocol == Kind::kFrames);
  CHECK(bench.verdict() == "no_frames");
  CHECK(bench.says("set protocol = \"frames\" and baud = 38400"));
  CHECK(bench.report->traffic.counts.good == 0);
  REQUIRE(bench.report->hello);
  CHECK(bench.report->hello->firmware == "1.2");
  CHECK(bench.report->series.size() == 1);
}

TEST_CASE("rates that the port cannot do are left out, and where nothing fits that is said") {
  Bench bench;
  bench.board().bauds_refused = {9600, 230400, 1000000};
  bench.start_fake();
  bench.run_saying(1, "", "\xf8\x80\xf8\x80\n");
  REQUIRE(bench.report);
  CHECK(bench.board().bauds == std::vector<unsigned>{115200, 19200, 38400, 57600, 460800, 921600});
  CHECK(bench.report->fitting_baud == 0);
  CHECK(bench.verdict() == "no_frames");
  CHECK(bench.says("is probably wrong"));
  CHECK(bench.progress.back() == "nothing fits");
}

TEST_CASE("another protocol that fits is found in the same bytes") {
  struct Other {
    const char* line;
    Kind kind;
    const char* name;
  };
  for (const Other& other :
       {Other{"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n", Kind::kNmea,
              "nmea"},
        Other{"{\"t\": 20.5}\n", Kind::kJson, "json"},
        Other{"weather,room=lab t=20.5\n", Kind::kLineProtocol, "line_protocol"}}) {
    INFO("line: ", other.line);
    Bench bench;
    bench.start(bridge::make_protocol);
    bench.run_saying(115200, other.line, "");
    REQUIRE(bench.report);
    CHECK(bench.report->fitting_protocol == other.kind);
    CHECK(bench.report->fitting_baud == 115200);
    CHECK(bench.verdict() == "no_frames");
    CHECK(bench.says(fmt::format("set protocol = \"{}\" and baud = 115200", other.name)));
    CHECK(bench.progress.back().find(fmt::format("s of {} at 115200 baud", other.name)) !=
          std::string::npos);
    CHECK_FALSE(bench.report->series.empty());
    CHECK(bench.board().bauds.size() == 1);
  }
}

TEST_CASE("another protocol at another baud rate is found, too") {
  Bench bench;
  bench.options.protocol.kind = Kind::kJson;
  bench.options.serial.baud = 9600;
  bench.start(bridge::make_protocol);
  bench.run_saying(57600, "weather t=20.5\n", "\xf8\x80\xf8\x80");
  REQUIRE(bench.report);
  CHECK(bench.board().bauds == std::vector<unsigned>{9600, 19200, 38400, 57600});
  CHECK(bench.report->fitting_protocol == Kind::kLineProtocol);
  CHECK(bench.report->fitting_baud == 57600);
  CHECK(series_of(*bench.report).at(0).find("weather t f = 20.5") == 0);
}

TEST_CASE("a flood of bytes and of series is bounded") {
  Bench bench;
  bench.options.listen_for = 2s;
  bench.start_fake();
  bench.world.run_for(10ms);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += fmt::format("r s{} 1\n", i);
  bench.board().say(many);
  bench.run_saying(115200, std::string(100'000, 'x') + "\n", "");
  REQUIRE(bench.report);
  CHECK(bench.captured_most == Probe::kCaptureBytesMax);
  CHECK(bench.report->series.size() == bridge::kProbeSeriesMax);
  CHECK(bench.report->readings_untold == 1000 - bridge::kProbeSeriesMax);
  CHECK(bench.report->traffic.readings == 1000);
}

TEST_CASE("whoever is given the report may drop the probe, and one that is dropped says nothing") {
  Bench bench;
  bench.board().plugged = false;
  bool is_done = false;
  bench.probe = std::make_unique<Probe>(
      bridge::ProbePorts{bench.loop, bench.clock, bench.ports}, bench.options,
      [](const auto& protocol) { return bridge::make_protocol(protocol); },
      [](const std::string&) {},
      [&](const ProbeReport&) {
        bench.probe.reset();
        is_done = true;
      });
  bench.world.run_for(10ms);
  CHECK(is_done);
  bench.board().plugged = true;
  bench.start_fake();
  bench.world.run_for(1s);
  CHECK(bench.board().is_open());
  bench.probe.reset();
  CHECK_FALSE(bench.board().is_open());
  bench.world.run_for(1min);
  CHECK(bench.reports == 0);
}
