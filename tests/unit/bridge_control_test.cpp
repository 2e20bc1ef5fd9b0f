// The control socket, and its client over it.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "firmware-bridge/bridge.h"
#include "firmware-bridge/control/control_client.h"
#include "firmware-bridge/control/control_server.h"
#include "proto/rt/base64.h"
#include "tests/support/fakes/fake_bridge_ports.h"
#include "tests/support/fakes/fake_flash.h"
#include "tests/support/fakes/fake_streams.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_streams.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;  // NOLINT
using namespace bridge;                // NOLINT: what is tested

const std::string kPath = "/run/bridge.sock";
constexpr std::size_t kFirmwareBytes = 20 * sim::kFakePageBytes;

std::vector<DeviceReport> two_devices() {
  return {{"node", "/dev/ttyUSB0", "", "blink 1.0", {{"frames", 12}, {"frames_lost", 1}}},
          {"other", "usb:1234:5678", "not plugged in: \"check\" the cable", "", {}}};
}

struct Site {
  sim::SimWorld world{1};
  sim::SimDisk disk;
  sim::FakeFlashedBoard board;
  sim::FlashLife life{world, disk, board};
  sim::FakeStreams streams;
  std::unique_ptr<ControlServer> server;

  Site() {
    board.hold(sim::fake_firmware("1.0", kFirmwareBytes));
    server = ControlServer::listen({life.loop, *life.desk, two_devices}, streams, kPath).value();
  }
  std::shared_ptr<sim::FakePeer> connect() { return streams.connect(kPath); }
  std::string ask(sim::FakePeer& peer, const std::string& line, rt::Nanos span = 1s) {
    peer.received.clear();
    peer.send(line + "\n");
    world.run_for(span);
    return peer.received;
  }
  [[nodiscard]] static std::string flash_line(const std::string& id, const std::string& version) {
    return R"({"verb":"flash","id":")" + id + R"(","device":"node","version":")" + version +
           R"(","timeout_s":5,"by":"anna","image":")" +
           rt::to_base64(sim::fake_hex(sim::fake_firmware(version, kFirmwareBytes))) + "\"}";
  }
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  CHECK(begin == text.size());
  return lines;
}

TEST_CASE("devices are told with their counts") {
  Site site;
  const auto peer = site.connect();
  CHECK(site.ask(*peer, R"({"verb":"devices"})") ==
        R"({"devices":[{"name":"node","port":"/dev/ttyUSB0","diagnosis":"","firmware":"blink 1.0",)"
        R"("counts":{"frames":12,"frames_lost":1}},{"name":"other","port":"usb:1234:5678",)"
        R"("diagnosis":"not plugged in: \"check\" the cable","firmware":"","counts":{}}]})"
        "\n");
}

TEST_CASE("a flash is followed from step to step to its outcome") {
  Site site;
  const auto peer = site.connect();
  const auto lines = lines_of(site.ask(*peer, Site::flash_line("a", "2.0"), 10s));
  REQUIRE(lines.size() > 8);
  CHECK(lines.front() == R"({"step":"check","percent":0})");
  std::size_t written = 0;
  for (const std::string& line : lines) {
    const auto progress = decode_flash_progress(line);
    if (progress && progress->step == FlashStep::kWrite && progress->percent > 0) written += 1;
  }
  CHECK(written == 20);
  const auto outcome = decode_flash_outcome(lines.back());
  REQUIRE(outcome.has_value());
  CHECK(outcome->state == FlashState::kDone);
  CHECK(outcome->id == "a");
  CHECK(site.board.running() == "2.0");

  const std::string again = site.ask(*peer, R"({"verb":"flash_result","id":"a"})");
  CHECK(again == lines.back() + "\n");
  CHECK(site.ask(*peer, Site::flash_line("a", "3.0"), 10s) == lines.back() + "\n");
  CHECK(site.board.running() == "2.0");
  const std::string images = site.ask(*peer, R"({"verb":"images","device":"node"})");
  CHECK(images == R"({"images":[{"sha256":")" + outcome->old_sha256 +
                      R"(","version":"1.0","bytes":1280}]})" + "\n");
  const std::string back =
      site.ask(*peer,
               R"({"verb":"flash","id":"b","device":"node","version":"1.0","sha256":")" +
                   outcome->old_sha256 + "\"}",
               10s);
  CHECK(back.find(R"({"outcome":"done")") != std::string::npos);
  CHECK(site.board.running() == "1.0");
}

TEST_CASE("a client that hangs up does not stop a flash, and the next one hears the end of it") {
  Site site;
  auto peer = site.connect();
  site.ask(*peer, Site::flash_line("a", "2.0"), 50ms);
  peer->close();
  site.world.run_for(10ms);
  CHECK(site.server->connections() == 0);
  peer = site.connect();
  const auto lines = lines_of(site.ask(*peer, R"({"verb":"flash_result","id":"a"})", 10s));
  REQUIRE(lines.size() > 3);
  CHECK(lines.front().starts_with(R"({"step":"write")"));
  CHECK(lines.back().starts_with(R"({"outcome":"done")"));
}

TEST_CASE("what cannot be done is said with its kind, and the connection goes on") {
  Site site;
  const auto peer = site.connect();
  CHECK(site.ask(*peer, "no json") ==
        R"({"error":"expected a JSON object in a line","code":"invalid"})"
        "\n");
  CHECK(site.ask(*peer, std::string(100'000, '[')) ==
        R"({"error":"expected a JSON object in a line","code":"invalid"})"
        "\n");
  CHECK(site.ask(*peer, R"({"verb":7})") ==
        R"({"error":"verb: expected devices, images, flash or flash_result","code":"invalid"})"
        "\n");
  CHECK(site.ask(*peer, R"({"verb":"flash_result","id":"a"})") ==
        R"({"error":"unknown","code":"not_found"})"
        "\n");
  CHECK(site.ask(*peer, R"({"verb":"images","device":"nobody"})") ==
        R"({"error":"there is no device nobody that can be flashed","code":"not_found"})"
        "\n");
  CHECK(site.ask(*peer, R"({"verb":"flash","id":"a","device":"node","version":"2","image":"!"})") ==
        R"({"error":"image: expected Intel HEX in base64","code":"invalid"})"
        "\n");
  for (const char* timeout : {"0", "3601", "-1", "1.5", "\"5\"", "99999999999999999999"}) {
    INFO(std::string(timeout));
    CHECK(site.ask(*peer, R"({"verb":"flash","id":"a","device":"node","version":"2","sha256":"",)"
                          R"("timeout_s":)" +
                              std::string(timeout) + "}") ==
          R"({"error":"timeout_s: expected 1 to 3600","code":"invalid"})"
          "\n");
  }
  CHECK(site.ask(*peer, R"({"verb":"flash","id":{"a":1},"device":"node","version":"2"})") ==
        R"({"error":"id: expected 1 to 128 printable characters","code":"invalid"})"
        "\n");
  CHECK(site.life.desk->is_idle());
  CHECK(site.server->connections() == 1);
}

TEST_CASE("requests wait for the flash before them, and are answered in order") {
  Site site;
  const auto peer = site.connect();
  peer->send(Site::flash_line("a", "2.0") + "\n{\"verb\":\"devices\"}\n\n{\"verb\":\"devices\"}\n");
  site.world.run_for(10s);
  const auto lines = lines_of(peer->received);
  REQUIRE(lines.size() > 3);
  CHECK(lines[lines.size() - 3].starts_with(R"({"outcome":"done")"));
  CHECK(lines[lines.size() - 2].starts_with(R"({"devices")"));
  CHECK(lines[lines.size() - 1].starts_with(R"({"devices")"));
}

TEST_CASE("a client that says no more is answered before it is let go") {
  Site site;
  const auto peer = site.connect();
  peer->send(Site::flash_line("a", "2.0") + "\n");
  peer->end();
  site.world.run_for(100ms);
  CHECK_FALSE(peer->closing);
  site.world.run_for(10s);
  CHECK(peer->closing);
  CHECK(peer->received.find(R"({"outcome":"done")") != std::string::npos);
}

TEST_CASE("lines may be cut anywhere, and not be endless") {
  Site site;
  const auto peer = site.connect();
  for (const char c : std::string(R"({"verb":"devices"})"
                                  "\r\n"))
    peer->send(std::string(1, c));
  CHECK(peer->received.starts_with(R"({"devices")"));
  peer->received.clear();
  const std::string piece(256 * 1024, ' ');
  for (std::size_t sent = 0; sent <= kControlLineBytesMax; sent += piece.size()) peer->send(piece);
  CHECK(peer->received == R"({"error":"a line has at most 1572864 bytes","code":"invalid"})"
                          "\n");
  CHECK(peer->closing);
}

TEST_CASE("an image of 256 KiB fits into a line") {
  FlashImage image;
  REQUIRE(image.put(0, std::string(FlashImage::kBytesMax, 'x')));
  const std::string hex = format_intel_hex(image);
  CHECK(hex.size() <= kHexBytesMax);
  CHECK(rt::to_base64(hex).size() + 1000 < kControlLineBytesMax);
}

TEST_CASE("a client that does not read gets less progress, but its outcome") {
  Site site;
  const auto peer = site.connect();
  peer->unsent = ControlServer::kUnsentBytesMax + 1;
  const auto lines = lines_of(site.ask(*peer, Site::flash_line("a", "2.0"), 10s));
  REQUIRE(lines.size() == 1);
  CHECK(lines.front().starts_with(R"({"outcome":"done")"));
  peer->unsent = ControlServer::kAnswersBytesMax + 1;
  CHECK(site.ask(*peer, R"({"verb":"devices"})").empty());
  CHECK(peer->closing);
}

TEST_CASE("more clients than are held are told so") {
  Site site;
  std::vector<std::shared_ptr<sim::FakePeer>> peers;
  for (std::size_t i = 0; i < ControlServer::kConnectionsMax; ++i) peers.push_back(site.connect());
  const auto refused = site.connect();
  CHECK(refused->received == R"({"error":"16 clients are connected already","code":"busy"})"
                             "\n");
  CHECK(refused->closing);
  CHECK(site.server->refused() == 1);
  for (std::size_t i = 1; i < ControlServer::kRefusedMax; ++i) peers.push_back(site.connect());
  CHECK(site.connect()->closed_by_us);
  for (const auto& peer : peers) peer->close();
  refused->close();
  site.world.run_for(10ms);
  CHECK(site.server->connections() == 0);
  CHECK_FALSE(site.connect()->closing);
}

TEST_CASE("a client that is let go and does not read loses its place") {
  Site site;
  std::vector<std::shared_ptr<sim::FakePeer>> peers;
  for (std::size_t i = 0; i < ControlServer::kConnectionsMax; ++i) peers.push_back(site.connect());
  const auto refused = site.connect();
  CHECK(refused->closing);
  site.world.run_for(ControlServer::kReadOutMost - 1s);
  CHECK_FALSE(refused->closed_by_us);
  site.world.run_for(2s);
  CHECK(refused->closed_by_us);
  CHECK(site.server->connections() == ControlServer::kConnectionsMax);
}

struct NoModbus final : ModbusLinks {
  std::unique_ptr<ModbusLink> make(const DeviceConfig&) override { return nullptr; }
};

TEST_CASE("a record that cannot be read closes the socket to nobody, and no other board") {
  sim::SimWorld world{1};
  sim::SimDisk disk;
  sim::SimLoop loop{world};
  sim::SimFiles files{disk};
  sim::SimLog log{world, "bridge"};
  const sim::SimWallClock clock{world, "host"};
  sim::FakeStreams streams;
  sim::FakeBridgePorts ports{loop};
  NoModbus modbus;
  sim::FakeFlashedBoard board;
  sim::FakeFlashTool tool{loop, files, board};
  BridgeConfig config;
  config.state_directory = "/state";
  config.control_socket = kPath;
  config.agent_socket = "/run/agent.sock";
  for (const std::string name : {"node", "other"}) {
    DeviceConfig& device = config.devices.emplace_back();
    device.name = name;
    device.address.path = "/dev/" + name;
    device.measurement = "board";
    device.flash = FlashOptions{.part = "atmega8"};
  }
  REQUIRE(files.make_directories("/state/flash/node"));
  REQUIRE(files.write_durably("/state/flash/node/transaction.json", "{", 0640));
  const auto bridge = Bridge::make(
      {loop, clock, log, files, streams, ports, modbus, tool,
       [](const PortAddress& address) { return rt::Result<std::string>(address.path); }},
      config);
  REQUIRE(bridge.has_value());
  CHECK(log.count_containing("/state/flash/node/transaction.json") == 1);
  const auto peer = streams.connect(kPath);
  REQUIRE(peer != nullptr);
  const auto flash = [&](const std::string& device) {
    peer->received.clear();
    peer->send(R"({"verb":"flash","id":"a","version":"2","sha256":")" + std::string(64, 'a') +
               R"(","device":")" + device + "\"}\n");
    world.run_for(1s);
    return peer->received;
  };
  CHECK(flash("node").find(R"("code":"corrupt")") != std::string::npos);
  CHECK(flash("other").starts_with(R"({"error":"no image aaaa)"));
}

/// Server and client over a simulated socket.
struct Pair {
  Site site;
  sim::SimStreams streams{site.life.loop};
  std::unique_ptr<ControlServer> server =
      ControlServer::listen({site.life.loop, *site.life.desk, two_devices}, streams, kPath).value();
  std::unique_ptr<ControlClient> client;
  std::vector<unsigned> percents;
  std::optional<rt::Result<FlashOutcome>> outcome;

  Pair() { connect(); }
  void connect() { client = std::make_unique<ControlClient>(streams.connect_unix(kPath).value()); }
  ControlClient::OnProgress on_progress() {
    return [this](const FlashProgress& progress) { percents.push_back(progress.percent); };
  }
  ControlClient::OnOutcome on_outcome() {
    return [this](rt::Result<FlashOutcome> result) { outcome = std::move(result); };
  }
  [[nodiscard]] static FlashRequest request() {
    FlashRequest request;
    request.id = "a";
    request.device = "node";
    request.image = sim::fake_hex(sim::fake_firmware("2.0", kFirmwareBytes));
    request.version = "2.0";
    return request;
  }
};

TEST_CASE("a client asks for devices, images and a flash") {
  Pair pair;
  std::vector<std::string> answers;
  const auto on_answer = [&](const rt::Result<std::string>& line) {
    answers.push_back(line ? *line : "error: " + line.error().message);
  };
  pair.client->devices(on_answer);
  pair.site.world.run_for(1s);
  pair.client->images("node", on_answer);
  pair.site.world.run_for(1s);
  pair.client->images("nobody", on_answer);
  pair.site.world.run_for(1s);
  REQUIRE(answers.size() == 3);
  CHECK(answers[0].starts_with(R"({"devices":[{"name":"node")"));
  CHECK(answers[1] == R"({"images":[]})");
  CHECK(answers[2] == "error: there is no device nobody that can be flashed");

  pair.client->flash(Pair::request(), pair.on_progress(), pair.on_outcome());
  pair.site.world.run_for(10s);
  REQUIRE(pair.outcome.has_value());
  REQUIRE(pair.outcome->has_value());
  CHECK((*pair.outcome)->state == FlashState::kDone);
  CHECK(pair.percents.size() > 20);
  pair.outcome.reset();
  pair.client->flash_result("b", pair.on_progress(), pair.on_outcome());
  pair.site.world.run_for(1s);
  REQUIRE(pair.outcome.has_value());
  REQUIRE_FALSE(pair.outcome->has_value());
  CHECK(pair.outcome->error().code == rt::Errc::kNotFound);
}

TEST_CASE("a client that lost its connection hears of its flash over a new one") {
  Pair pair;
  pair.client->flash(Pair::request(), pair.on_progress(), pair.on_outcome());
  pair.site.world.run_for(100ms);
  pair.server.reset();
  pair.site.world.run_for(1s);
  REQUIRE(pair.outcome.has_value());
  REQUIRE_FALSE(pair.outcome->has_value());
  CHECK(pair.outcome->error().code == rt::Errc::kUnavailable);
  pair.outcome.reset();
  pair.client->flash_result("a", pair.on_progress(), pair.on_outcome());
  REQUIRE(pair.outcome.has_value());
  CHECK_FALSE(pair.outcome->has_value());
  pair.outcome.reset();

  pair.server = ControlServer::listen({pair.site.life.loop, *pair.site.life.desk, two_devices},
                                      pair.streams, kPath)
                    .value();
  pair.connect();
  pair.client->flash_result("a", pair.on_progress(), pair.on_outcome());
  pair.site.world.run_for(10s);
  REQUIRE(pair.outcome.has_value());
  REQUIRE(pair.outcome->has_value());
  CHECK((*pair.outcome)->state == FlashState::kDone);
}

}  // namespace
}  // namespace fieldpost::test
