// What fieldpost-bridge says on its command line, and how it exits.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "tests/support/bridge_process.h"
#include "tests/support/frame_sender.h"
#include "tests/support/line_agent.h"
#include "tests/support/pty_board.h"
#include "tests/support/real_site.h"
#include "tests/support/temp_directory.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kWaitMost = 60s;
constexpr auto kBoardEvery = 50ms;
constexpr std::uint64_t kSeed = 11;
const std::string kNoFrame(1, '\0');

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A board, and a bridge that is configured for it and does not run yet.
struct Desk {
  /// `fieldpost-bridge probe PORT FLAGS`, while the board speaks again and again.
  [[nodiscard]] Outcome probe(const std::function<void()>& speak, const std::string& flags = "") {
    auto probing = std::async(std::launch::async,
                              [&] { return bridge.run("probe " + board.link() + " " + flags); });
    while (probing.wait_for(kBoardEvery) != std::future_status::ready) speak();
    return probing.get();
  }
  /// What it reports, and its exit code.
  [[nodiscard]] json report(const std::function<void()>& speak, int& exit_code) {
    const Outcome outcome = probe(speak, "--json 2>/dev/null");
    exit_code = outcome.exit_code;
    return json::parse(outcome.out, nullptr, false);
  }
  void reconfigure(const std::string& from, const std::string& to) const {
    std::string text = text_of(bridge.config_file());
    REQUIRE(text.find(from) != std::string::npos);
    text.replace(text.find(from), from.size(), to);
    std::ofstream(bridge.config_file()) << text;
  }

  TempDirectory directory;
  std::string agent_socket = directory.file("agent.sock");
  PtyBoard board{directory.file("it")};
  BridgeProcess bridge{directory.path(), agent_socket,
                       device_toml("it", board.link(), "frames", "measurement = \"m\"")};
};

}  // namespace

TEST_CASE("probe says that nothing comes") {
  Desk desk;
  const Outcome outcome = desk.probe([] {});
  INFO(outcome.out);
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.out.find("nothing received for 5 s") != std::string::npos);
}

TEST_CASE("probe says that bytes come, but no frame, and which baud rates it tried") {
  Desk desk;
  std::mt19937_64 dice(kSeed);
  const Outcome outcome = desk.probe([&] {
    std::string noise;
    for (int i = 0; i < 200; ++i) noise += static_cast<char>(dice());
    desk.board.send_what_fits(noise);
  });
  INFO(outcome.out);
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.out.find("but no frame") != std::string::npos);
  CHECK(outcome.out.find("is probably wrong") != std::string::npos);
  for (const char* baud : {"at 9600 baud", "at 1000000 baud", "nothing fits"}) {
    CHECK(outcome.out.find(baud) != std::string::npos);
  }
}

TEST_CASE("probe says which protocol a board speaks when it is another") {
  Desk desk;
  const std::string log = text_of(FIELDPOST_NMEA_DATA "/shore_walk.log");
  REQUIRE(!log.empty());
  int exit_code = 0;
  const json report =
      desk.report([&] { desk.board.send_what_fits(log.substr(0, 2000)); }, exit_code);
  REQUIRE(report.is_object());
  CHECK(exit_code == 1);
  CHECK(report.at("verdict") == "no_frames");
  CHECK(report.at("fitting_protocol") == "nmea");
  CHECK(report.at("fitting_baud") == 115200);
  CHECK(report.at("diagnosis").get<std::string>().find("protocol = \"nmea\"") != std::string::npos);
}

TEST_CASE("probe says what a good board is and measures") {
  Desk desk;
  FrameSender sender;
  int exit_code = 1;
  const json report = desk.report(
      [&] {
        if (!desk.board.take_heard().empty()) {
          desk.board.send_what_fits(sender.hello("bed", "1.0.0"));
          desk.board.send_what_fits(sender.series({{"t", "Cel"}}));
        }
        desk.board.send_what_fits(sender.readings({{"t", 21.5}}));
      },
      exit_code);
  REQUIRE(report.is_object());
  INFO(report.dump(2));
  CHECK(exit_code == 0);
  CHECK(report.at("verdict") == "good");
  CHECK(report.at("device").at("name") == "bed");
  CHECK(report.at("device").at("firmware") == "1.0.0");
  REQUIRE(report.at("series").size() == 1);
  CHECK(report.at("series")[0].at("field") == "t");
  CHECK(report.at("series")[0].at("unit") == "Cel");
  CHECK(report.at("series")[0].at("last") == "21.5");
  CHECK(report.at("lost") == 0);
}

TEST_CASE("probe names the process that has the port, and a port that is not there") {
  Desk desk;
  const LineAgent agent(desk.agent_socket);
  desk.bridge.daemon().start();
  REQUIRE(desk.bridge.hears(desk.board, "it", kNoFrame));
  int exit_code = 0;
  const json busy = desk.report([] {}, exit_code);
  REQUIRE(busy.is_object());
  CHECK(exit_code == 1);
  CHECK(busy.at("verdict") == "busy");
  const std::string owner = fmt::format("(pid {})", desk.bridge.daemon().pid());
  INFO(busy.at("diagnosis"));
  CHECK(busy.at("diagnosis").get<std::string>().find(owner) != std::string::npos);
  desk.bridge.daemon().stop();
  desk.board.unplug();
  const json gone = desk.report([] {}, exit_code);
  REQUIRE(gone.is_object());
  CHECK(exit_code == 1);
  CHECK(gone.at("verdict") == "not_plugged_in");
}

TEST_CASE("probe without a port lists ports") {
  const Desk desk;
  CHECK(desk.bridge.run("probe").exit_code == 0);
  const Outcome outcome = desk.bridge.run("probe --json");
  CHECK(outcome.exit_code == 0);
  CHECK(json::parse(outcome.out).at("items").is_array());
}

TEST_CASE("what cannot be probed is a usage error") {
  const Desk desk;
  for (const std::string words :
       {"udp://127.0.0.1:4000", "ttyUSB0", "/dev/null --baud fast", "/dev/null --baud 0",
        "/dev/null --baud 12000001", "/dev/null --framing 9N1", "/dev/null --loud",
        "/dev/null /dev/zero"}) {
    INFO(words);
    CHECK(desk.bridge.run("probe " + words).exit_code == 2);
  }
}

TEST_CASE("status says what the bridge that runs says of its boards") {
  Desk desk;
  const Outcome before = desk.bridge.run("status");
  CHECK(before.exit_code == 1);
  CHECK(before.out.find("does fieldpost-bridge run?") != std::string::npos);
  const LineAgent agent(desk.agent_socket);
  desk.bridge.daemon().start();
  REQUIRE(desk.bridge.hears(desk.board, "it", kNoFrame));
  FrameSender sender;
  REQUIRE(desk.board.send(sender.boot("bed", "1.0.0")));
  REQUIRE(wait_until(kWaitMost, [&] { return desk.bridge.count("it", "boots") == 1; }));
  const Outcome lines = desk.bridge.run("status");
  CHECK(lines.exit_code == 0);
  for (const std::string& word :
       {std::string("it "), desk.board.link(), std::string("bed 1.0.0")}) {
    INFO(lines.out);
    CHECK(lines.out.find(word) != std::string::npos);
  }
  const Outcome whole = desk.bridge.run("status --json");
  CHECK(whole.exit_code == 0);
  CHECK(json::parse(whole.out).at("devices").at(0).at("counts").at("boots") == 1);
}

TEST_CASE("a configuration that is wrong exits 78 and says where") {
  const Desk desk;
  const Outcome good = desk.bridge.run("check-config");
  CHECK(good.exit_code == 0);
  CHECK(good.out.find("silent_after") != std::string::npos);
  CHECK(json::parse(desk.bridge.run("check-config --json").out).at("device").at(0).at("name") ==
        "it");
  desk.reconfigure("measurement = \"m\"", "measurment = \"m\"");
  for (const char* words : {"check-config", "", "probe", "status"}) {
    INFO(words);
    const Outcome bad = desk.bridge.run(words);
    CHECK(bad.exit_code == 78);
    CHECK(bad.out.find("measurment") != std::string::npos);
  }
  desk.reconfigure("measurment = \"m\"", "part = \"z80\"");
  CHECK(desk.bridge.run("check-config").exit_code == 78);
}

TEST_CASE("SIGHUP reads the configuration again and ends nothing") {
  Desk desk;
  const LineAgent agent(desk.agent_socket);
  desk.bridge.daemon().start();
  REQUIRE(desk.bridge.hears(desk.board, "it", kNoFrame));
  FrameSender sender;
  REQUIRE(desk.board.send(sender.boot("bed", "1.0.0")));
  REQUIRE(desk.board.send(sender.series({{"t", "Cel"}})));
  const auto says = [&](const std::string& text) {
    return wait_until(kWaitMost,
                      [&] { return desk.bridge.daemon().log().find(text) != std::string::npos; });
  };
  desk.reconfigure("level = \"info\"", "level = \"loud\"");
  REQUIRE(::kill(desk.bridge.daemon().pid(), SIGHUP) == 0);
  CHECK(says("configuration not reloaded, the one before stays"));
  desk.reconfigure("level = \"loud\"", "level = \"debug\"");
  REQUIRE(::kill(desk.bridge.daemon().pid(), SIGHUP) == 0);
  CHECK(says("log.level changed: it is in effect"));
  REQUIRE(desk.board.send(sender.readings({{"t", 21.5}})));
  CHECK(wait_until(kWaitMost, [&] { return agent.measured() == 1; }));
  CHECK(desk.bridge.count("it", "boots") == 1);
  CHECK(desk.bridge.daemon().running());
}

}  // namespace fieldpost::test
