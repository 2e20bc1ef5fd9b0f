// Boards and the bridge as real processes and sockets: what boards send is what arrives.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/file_descriptor.h"
#include "tests/support/bridge_process.h"
#include "tests/support/frame_sender.h"
#include "tests/support/line_agent.h"
#include "tests/support/plain_socket.h"
#include "tests/support/pty_board.h"
#include "tests/support/raw_client.h"
#include "tests/support/real_site.h"
#include "tests/support/site_picture.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using rt::FileDescriptor;

constexpr auto kWaitMost = 60s;
constexpr double kStart = 1'767'225'600;  // 2026-01-01
constexpr std::int64_t kNsPerSecond = 1'000'000'000;
const std::string kNoFrame(1, '\0');
const std::string kNoLine = "\n";
const bridge::DeclaredSeries kSeries = {{"t", "Cel"}, {"h", "%RH"}};

/// Of the series that `filter` names, the newest reading; null when there is none.
json newest(const RealSite& site, const std::string& filter) {
  const auto list = site.ask("/api/v1/series?times=ns&" + filter);
  if (!list || list->at("items").empty()) return {};
  const json& series = list->at("items")[0];
  const auto found = site.ask(fmt::format("/api/v1/readings?times=ns&series={}&from={}",
                                          series.at("id").dump(), series.at("last_time").dump()));
  if (!found || found->at("items").empty()) return {};
  const json& readings = found->at("items")[0].at("readings");
  return readings.empty() ? json() : readings.back().at(1);
}

/// Of the one series that `filter` names, all values in the order of their times.
std::vector<double> stored_values(const RealSite& site, const std::string& filter) {
  const auto list = site.ask("/api/v1/series?" + filter);
  if (!list || list->at("items").size() != 1) return {};
  const auto found = site.ask(
      fmt::format("/api/v1/readings?limit=10000&series={}", list->at("items")[0].at("id").dump()));
  if (!found || found->at("items").empty()) return {};
  std::vector<double> values;
  for (const json& each : found->at("items")[0].at("readings")) {
    values.push_back(each.at(1).get<double>());
  }
  return values;
}

std::vector<double> numbers(int count) {
  std::vector<double> out;
  for (int i = 0; i < count; ++i) out.push_back(i);
  return out;
}

/// Frames of one series each, value and time by number.
std::string frames_of(FrameSender& sender, int from, int to) {
  std::string out;
  for (int i = from; i < to; ++i) out += sender.readings_at(kStart + i, {{"t", i}});
  return out;
}

std::size_t times_said(const DaemonProcess& daemon, std::string_view text) {
  const std::string log = daemon.log();
  std::size_t times = 0;
  for (std::size_t at = log.find(text); at != log.npos; at = log.find(text, at + 1)) times += 1;
  return times;
}

/// A whole site, and a bridge with a board that speaks frames.
struct BridgedSite {
  BridgedSite() {
    site.coordinator().start();
    site.agent().start();
    bridge.daemon().start();
    REQUIRE(bridge.hears(board, "bed", kNoFrame));
    REQUIRE(board.send(sender.boot("bed", "1.0.0")));
    REQUIRE(board.send(sender.series(kSeries)));
  }

  RealSite site;
  PtyBoard board{site.directory() + "/bed"};
  BridgeProcess bridge{site.directory(), site.socket(),
                       device_toml("bed", board.link(), "frames", "measurement = \"greenhouse\"")};
  FrameSender sender;
};
constexpr const char* kTemperatures = "measurement=greenhouse&tag.device=bed&field=t";
constexpr const char* kHumidities = "measurement=greenhouse&tag.device=bed&field=h";

std::string told_of_bed(const std::string& field) {
  return "measurement=fieldpost_bridge&tag.device=bed&field=" + field;
}

/// A bridge with one board at a pty, and something that answers as an agent does.
struct PtyWorld {
  PtyWorld(std::string_view protocol, std::string_view more, const std::string& nothing)
      : bridge(directory.path(), agent_socket, device_toml("it", board.link(), protocol, more)) {
    bridge.daemon().start();
    REQUIRE(bridge.hears(board, "it", nothing));
  }

  TempDirectory directory;
  std::string agent_socket = directory.file("agent.sock");
  LineAgent agent{agent_socket};
  PtyBoard board{directory.file("it")};
  BridgeProcess bridge;
};

/// A bridge with one board that is not at a pty.
struct NetWorld {
  explicit NetWorld(const std::string& port)
      : bridge(directory.path(), agent_socket,
               device_toml("it", port, "frames", "measurement = \"m\"")) {
    bridge.daemon().start();
  }
  /// Where the bridge listens; the test's own port is 0.
  [[nodiscard]] std::uint16_t port() const {
    std::string name;
    REQUIRE(wait_until(kWaitMost, [&] {
      const json said = bridge.device("it");
      if (!said.is_null()) name = said.at("port").get<std::string>();
      return name.starts_with("127.0.0.1:");
    }));
    return static_cast<std::uint16_t>(std::stoi(name.substr(name.rfind(':') + 1)));
  }

  TempDirectory directory;
  std::string agent_socket = directory.file("agent.sock");
  LineAgent agent{agent_socket};
  BridgeProcess bridge;
};

FileDescriptor loopback_socket(int type, std::uint16_t& port) {
  FileDescriptor fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(::bind(fd.get(), generic, size) == 0);
  REQUIRE(::getsockname(fd.get(), generic, &size) == 0);
  port = ntohs(address.sin_port);
  return fd;
}

bool is_ready(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return ::poll(&waiting, 1, std::chrono::milliseconds(kWaitMost).count()) == 1;
}

/// What a serial server is to its clients: the bytes of its port, to whoever is connected.
class SerialServer {
 public:
  SerialServer() : listener_(loopback_socket(SOCK_STREAM, port_)) {
    REQUIRE(::listen(listener_.get(), 4) == 0);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Waits for a client, and for its first question.
  void accept() {
    REQUIRE(is_ready(listener_.get()));
    client_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::array<char, 256> question{};
    REQUIRE(is_ready(client_.get()));
    REQUIRE(::recv(client_.get(), question.data(), question.size(), 0) > 0);
  }
  void send(const std::string& bytes) {
    const ssize_t sent = ::send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    REQUIRE(sent == static_cast<ssize_t>(bytes.size()));
  }
  void hang_up() { client_.reset(); }

 private:
  std::uint16_t port_ = 0;
  FileDescriptor listener_, client_;
};

void send_datagram(std::uint16_t port, std::string_view bytes) {
  std::uint16_t own = 0;
  const FileDescriptor fd = loopback_socket(SOCK_DGRAM, own);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::sendto(fd.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                   sizeof to) == static_cast<ssize_t>(bytes.size()));
}

std::string senml_pack(int number) {
  return fmt::format(R"([{{"bt":{},"n":"t","u":"Cel","v":{}}}])",
                     std::int64_t{1'767'225'600} + number, number);
}

/// Waits until the agent has so many readings, and gives it time to have more.
void require_measured(const LineAgent& agent, std::size_t count) {
  REQUIRE(wait_until(kWaitMost, [&] { return agent.measured() >= count; }));
  CHECK(agent.measured() == count);
}

struct Position {
  std::int64_t second;
  double latitude, longitude;
};
/// Of shore_walk.log: degrees and minutes, worked out with decimal numbers.
constexpr std::int64_t kWalkBegins = 1'778'751'717;  // 2026-05-14T09:41:57Z
constexpr std::array kWalk = {
    Position{0, 47.541901333, 9.697887500}, Position{1, 47.541914833, 9.697887500},
    Position{2, 47.541928333, 9.697887500}, Position{3, 47.541941833, 9.697887500},
    Position{4, 47.541955333, 9.697887500}, Position{5, 47.541968833, 9.697907000},
    Position{6, 47.541982333, 9.697926500}, Position{7, 47.541995833, 9.697946000}};
constexpr double kDegrees = 1e-7;

}  // namespace

TEST_CASE("frames at a pty are stored once each, with unit and board, and lost ones are counted") {
  constexpr int kFrames = 50;
  BridgedSite it;
  for (int i = 0; i < kFrames; ++i) {
    REQUIRE(it.board.send(it.sender.readings({{"t", i}, {"h", 40 + i}})));
  }
  it.sender.lose(3);
  REQUIRE(it.board.send(it.sender.readings({{"t", kFrames}, {"h", 40 + kFrames}})));
  INFO(it.bridge.daemon().log());
  CHECK(wait_until(kWaitMost, [&] { return newest(it.site, told_of_bed("lost")) == 3; }));
  CHECK(wait_until(kWaitMost, [&] {
    return count_readings(it.site, kTemperatures) >= kFrames + 1 &&
           count_readings(it.site, kHumidities) >= kFrames + 1;
  }));
  CHECK(stored_values(it.site, kTemperatures) == numbers(kFrames + 1));
  CHECK(count_readings(it.site, kHumidities) == kFrames + 1);
  const auto list = it.site.ask(std::string("/api/v1/series?") + kTemperatures);
  const json items = list.value_or(json{{"items", json::array()}}).at("items");
  REQUIRE(items.size() == 1);
  CHECK(items[0].at("unit") == "Cel");
  CHECK(wait_until(kWaitMost, [&] { return newest(it.site, told_of_bed("boots")) == 1; }));
  CHECK(wait_until(kWaitMost, [&] { return newest(it.site, told_of_bed("firmware")) == "1.0.0"; }));
}

TEST_CASE("what boards send while the agent is down is stored when it is back, and once") {
  constexpr int kPart = 100;
  BridgedSite it;
  REQUIRE(it.board.send(frames_of(it.sender, 0, 1)));
  REQUIRE(wait_until(kWaitMost, [&] { return count_readings(it.site, kTemperatures) == 1; }));
  const auto times_away = [&] { return times_said(it.bridge.daemon(), "cannot be reached"); };
  const std::size_t before = times_away();
  REQUIRE(it.board.send(frames_of(it.sender, 1, kPart)));
  it.site.agent().kill();
  REQUIRE(it.board.send(frames_of(it.sender, kPart, 2 * kPart)));
  REQUIRE(wait_until(kWaitMost, [&] { return times_away() > before; }));
  REQUIRE(it.board.send(frames_of(it.sender, 2 * kPart, 3 * kPart)));
  it.site.agent().start();
  REQUIRE(it.board.send(frames_of(it.sender, 3 * kPart, 4 * kPart)));
  INFO(it.bridge.daemon().log());
  CHECK(wait_until(kWaitMost, [&] { return count_readings(it.site, kTemperatures) >= 4 * kPart; }));
  CHECK(stored_values(it.site, kTemperatures) == numbers(4 * kPart));
  CHECK(it.bridge.count("bed", "lost") == 0);
}

TEST_CASE("a board that is pulled and plugged in again at another pty goes on") {
  PtyWorld it("frames", "measurement = \"m\"", kNoFrame);
  FrameSender sender;
  REQUIRE(it.board.send(sender.boot("it", "1.0.0")));
  REQUIRE(it.board.send(sender.series(kSeries)));
  REQUIRE(it.board.send(frames_of(sender, 0, 10)));
  require_measured(it.agent, 10);
  it.board.unplug();
  REQUIRE(wait_until(kWaitMost, [&] {
    const json said = it.bridge.device("it");
    return !said.is_null() && said.at("diagnosis").get<std::string>().starts_with("not plugged in");
  }));
  it.board.plug_in();
  REQUIRE(it.bridge.hears(it.board, "it", kNoFrame));
  REQUIRE(it.board.send(frames_of(sender, 10, 20)));
  require_measured(it.agent, 20);
  CHECK(it.agent.values("m,device=it t") == numbers(20));
  REQUIRE(it.board.send(sender.boot("it", "1.0.0")));
  REQUIRE(it.board.send(frames_of(sender, 20, 30)));
  require_measured(it.agent, 30);
  CHECK(it.bridge.count("it", "boots") == 2);
  CHECK(it.bridge.count("it", "lost") == 0);
}

TEST_CASE("line protocol of a board is told as it is, with its board and its units") {
  PtyWorld it("line_protocol", "units = { temp = \"Cel\" }", kNoLine);
  REQUIRE(it.board.send("weather,station=roof temp=21.5,hum=40i 1767225600000000000\r\nrubb"));
  REQUIRE(it.board.send("ish\nweather,station=roof temp=-3,wet=true 1767225601000000000\n"));
  require_measured(it.agent, 4);
  const auto told = it.agent.told("weather,device=it,station=roof temp");
  REQUIRE(told.size() == 2);
  CHECK(told[0].unit == "Cel");
  CHECK(told[0].time == std::int64_t{1'767'225'600} * kNsPerSecond);
  CHECK(it.agent.values(told[0].series) == std::vector<double>{21.5, -3});
  const auto whole = it.agent.told("weather,device=it,station=roof hum");
  REQUIRE(whole.size() == 1);
  CHECK(whole[0].value == "40i");
  CHECK(it.bridge.count("it", "bad") == 1);
}

TEST_CASE("JSON of a board is told by its names, inner ones joined") {
  PtyWorld it("json", "measurement = \"m\"\nunits = { bme_t = \"Cel\" }", kNoLine);
  REQUIRE(
      it.board.send("{\"bme\":{\"t\":20.5,\"h\":[40,41]},\"ok\":true,\"n\":null}\n{\"bme\":\n"));
  REQUIRE(it.board.send("{\"bme\":{\"t\":21.5}}\n"));
  require_measured(it.agent, 5);
  CHECK(it.agent.values("m,device=it bme_t") == std::vector<double>{20.5, 21.5});
  CHECK(it.agent.told("m,device=it bme_t").at(0).unit == "Cel");
  CHECK(it.agent.values("m,device=it bme_h_1") == std::vector<double>{41});
  CHECK(it.agent.told("m,device=it ok").size() == 1);
  CHECK(it.bridge.count("it", "bad") == 1);
}

TEST_CASE("lines that a pattern fits are told by its groups, others are not") {
  PtyWorld it("pattern",
              "measurement = \"m\"\npattern = '(?P<t>-?[0-9.]+) C, (?P<h>[0-9]+) %'\n"
              "units = { t = \"Cel\", h = \"%RH\" }",
              kNoLine);
  REQUIRE(it.board.send("21.5 C, 40 %\r\nstarting up\r\n-3 C, 99 %\n99 C, 99 % or so\n"));
  require_measured(it.agent, 4);
  CHECK(it.agent.values("m,device=it t") == std::vector<double>{21.5, -3});
  CHECK(it.agent.values("m,device=it h") == std::vector<double>{40, 99});
  CHECK(it.agent.told("m,device=it h").at(0).unit == "%RH");
  CHECK(wait_until(kWaitMost, [&] { return it.bridge.count("it", "bad") == 2; }));
}

TEST_CASE("a receiver's log gives its positions, and nothing of a damaged sentence") {
  std::ifstream file(FIELDPOST_NMEA_DATA "/shore_walk.log", std::ios::binary);
  const std::string log{std::istreambuf_iterator<char>(file), {}};
  REQUIRE(!log.empty());
  PtyWorld it("nmea", "measurement = \"gps\"\nbaud = 9600", kNoLine);
  REQUIRE(it.board.send(log));
  const auto altitudes = [&] { return it.agent.told("gps,device=it altitude"); };
  REQUIRE(wait_until(kWaitMost, [&] { return altitudes().size() >= kWalk.size() - 1; }));
  const auto latitudes = it.agent.told("gps,device=it latitude");
  const auto longitudes = it.agent.told("gps,device=it longitude");
  // Of RMC and GGA each second, but for the damaged one.
  REQUIRE(latitudes.size() == 2 * kWalk.size() - 1);
  REQUIRE(longitudes.size() == latitudes.size());
  CHECK(altitudes().size() == kWalk.size() - 1);
  CHECK(latitudes[0].unit == "lat");
  for (std::size_t i = 0; i < latitudes.size(); ++i) {
    CHECK(longitudes[i].time == latitudes[i].time);
    const std::int64_t second = latitudes[i].time.value_or(0) / kNsPerSecond - kWalkBegins;
    INFO("second ", second);
    REQUIRE(second >= 0);
    REQUIRE(second < static_cast<std::int64_t>(kWalk.size()));
    const Position& where = kWalk[static_cast<std::size_t>(second)];
    CHECK(std::abs(std::stod(latitudes[i].value) - where.latitude) < kDegrees);
    CHECK(std::abs(std::stod(longitudes[i].value) - where.longitude) < kDegrees);
  }
  CHECK(it.bridge.count("it", "bad_checksum") == 1);
  CHECK(it.bridge.count("it", "bad") == 0);
}

TEST_CASE("frames come over a serial server, also after it has hung up") {
  SerialServer server;
  NetWorld it(fmt::format("tcp://127.0.0.1:{}", server.port()));
  FrameSender sender;
  server.accept();
  server.send(sender.boot("it", "1.0.0"));
  server.send(sender.series(kSeries));
  server.send(frames_of(sender, 0, 10));
  require_measured(it.agent, 10);
  server.hang_up();
  server.accept();
  server.send(frames_of(sender, 10, 20));
  require_measured(it.agent, 20);
  CHECK(it.agent.values("m,device=it t") == numbers(20));
  CHECK(it.agent.told("m,device=it t").at(0).unit == "Cel");
  CHECK(it.bridge.count("it", "lost") == 0);
}

TEST_CASE("a datagram of plain SenML is told, and rubbish is counted") {
  NetWorld it("udp://127.0.0.1:0");
  const std::uint16_t port = it.port();
  send_datagram(port, senml_pack(0));
  send_datagram(port, "rubbish");
  send_datagram(port, "[{\"n\":\"t\"");
  send_datagram(port, senml_pack(1));
  require_measured(it.agent, 2);
  CHECK(it.agent.values("m,device=it t") == numbers(2));
  CHECK(it.agent.told("m,device=it t").at(0).unit == "Cel");
  CHECK(it.bridge.count("it", "bad") == 2);
}

TEST_CASE("a POST is answered when the agent has it, and what is no reading is refused") {
  NetWorld it("http://127.0.0.1:0/senml");
  const std::uint16_t port = it.port();
  CHECK(http_call(port, "POST", "/senml", senml_pack(0)).status == 204);
  // Not one moment later: whoever sent it may forget it now.
  CHECK(it.agent.values("m,device=it t") == numbers(1));
  for (const char* rubbish : {"", "rubbish", "[{\"n\":\"t\"", "[]", "{}", "[{\"n\":\"t\"}]"}) {
    INFO(rubbish);
    CHECK(http_call(port, "POST", "/senml", rubbish).status == 400);
  }
  CHECK(http_call(port, "GET", "/senml").status == 405);
  CHECK(http_call(port, "POST", "/other", senml_pack(9)).status == 404);
  CHECK(http_call(port, "POST", "/senml", senml_pack(1)).status == 204);
  CHECK(it.agent.values("m,device=it t") == numbers(2));
}

TEST_CASE(
    "while the agent is away POSTs wait, and those that are too many are told to come again") {
  constexpr int kWaiting = 64, kTooMany = 6;  // firmware-bridge/ports/http_listener.h
  NetWorld it("http://127.0.0.1:0/senml");
  const std::string address = fmt::format("127.0.0.1:{}", it.port());
  it.agent.stop();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < kWaiting + kTooMany; ++i) {
    const std::string body = senml_pack(i);
    clients.push_back(std::make_unique<RawClient>(address));
    clients.back()->send(fmt::format(
        "POST /senml HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", body.size(), body));
  }
  const auto count = [&](std::string_view status) {
    std::ptrdiff_t found = 0;
    for (const auto& each : clients) {
      each->poll();
      if (each->got().starts_with(fmt::format("HTTP/1.1 {} ", status))) found += 1;
    }
    return found;
  };
  REQUIRE(wait_until(kWaitMost, [&] { return count("503") >= kTooMany; }));
  for (const auto& each : clients) {
    if (!each->got().empty()) CHECK(each->got().find("Retry-After: ") != std::string::npos);
  }
  CHECK(count("204") == 0);
  CHECK(it.agent.measured() == 0);
  it.agent.start();
  CHECK(wait_until(kWaitMost, [&] { return count("204") == kWaiting; }));
  CHECK(count("503") == kTooMany);
  CHECK(it.agent.measured() == kWaiting);
}

}  // namespace fieldpost::test
