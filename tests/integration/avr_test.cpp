// Boards end to end, with nothing pretended but the silicon: firmware on a simulated ATmega328P,
// its bootloader, avrdude, the bridge, an agent, a broker, a coordinator.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <future>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

#include "tests/support/avr_board_process.h"
#include "tests/support/may_skip.h"
#include "tests/support/real_site.h"
#include "tests/support/run_command.h"
#include "tests/support/site_picture.h"
#include "tests/support/temp_directory.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kWaitMost = 60s;
/// Of a flash with all it may wait for: that avrdude gives up, that a new firmware speaks, and that
/// an old one does.
constexpr auto kFlashMost = 240s;
constexpr auto kGlance = 2ms;
constexpr double kVolts = 1.5, kTolerance = 0.02;
constexpr std::size_t kAppSize = 0x7e00;  // of the flash; the bootloader is behind it
constexpr unsigned kFillerBegin = 0x2000, kFillerEnd = 0x6000, kRecordSize = 16;
constexpr int kMidPage = 60;  // of those that are written: it is in the filler
constexpr const char* kReadings = "measurement=bench&tag.device=uno&field=a0";
constexpr const char* kFirmware = "measurement=fieldpost_bridge&tag.device=uno&field=firmware";

std::string image_path(const std::string& version) {
  return fmt::format("{}/example-{}.hex", FIELDPOST_AVR_IMAGES, version);
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A record of Intel HEX: data at `address`, every byte the record's own number.
std::string filler_record(unsigned address) {
  const unsigned value = address / kRecordSize % 256;
  unsigned sum = kRecordSize + address / 256 + address % 256;
  std::string record = fmt::format(":{:02X}{:04X}00", kRecordSize, address);
  for (unsigned i = 0; i < kRecordSize; ++i) {
    record += fmt::format("{:02X}", value);
    sum += value;
  }
  return record + fmt::format("{:02X}\n", (256 - sum % 256) % 256);
}

/// The second version with 16 KiB behind it, so that writing it takes seconds.
std::string long_image() {
  std::string text = text_of(image_path("2.0.0"));
  const std::size_t end = text.find(":00000001FF");
  REQUIRE(end != std::string::npos);
  text.resize(end);
  for (unsigned at = kFillerBegin; at < kFillerEnd; at += kRecordSize) text += filler_record(at);
  return text + ":00000001FF\n";
}

/// A site with a bridge and a board on it that runs version 1.0.0.
struct Bench {
  Bench() {
    std::ofstream(site.directory() + "/bridge.toml") << fmt::format(
        "[bridge]\nstate = \"{0}/bridge\"\nsocket = \"{3}/bridge.sock\"\n"
        "[agent]\nsocket = \"{1}\"\n[log]\nlevel = \"info\"\n"
        "[[device]]\nname = \"uno\"\nport = \"{2}\"\nbaud = 115200\nframing = \"8N1\"\n"
        "protocol = \"frames\"\nmeasurement = \"bench\"\npart = \"atmega328p\"\n"
        "programmer = \"arduino\"\nflash_baud = 115200\n",
        site.directory(), site.socket(), board.link(), sockets.path());
    site.coordinator().start();
    site.agent().start();
    board.start();
    bridge.start();
    // Opening the port resets the board; what is compared later is what runs from here on.
    REQUIRE(reports("1.0.0"));
    old_flash = board.flash(kAppSize);
  }
  [[nodiscard]] std::string file(const std::string& name, const std::string& text) const {
    const std::string path = site.directory() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  /// The newest reading of the series that `filter` names; null when there is none.
  [[nodiscard]] json last(const std::string& filter) const {
    const auto list = site.ask("/api/v1/series?times=ns&" + filter);
    if (!list || list->at("items").empty()) return {};
    const json& series = list->at("items")[0];
    const auto found =
        site.ask(fmt::format("/api/v1/readings?times=ns&series={}&from={}",
                             series.at("id").get<int>(), series.at("last_time").dump()));
    if (!found || found->at("items").empty()) return {};
    const json& readings = found->at("items")[0].at("readings");
    return readings.empty() ? json() : readings.back().at(1);
  }
  /// Waits until the board is heard with this version, and then with new readings.
  [[nodiscard]] bool reports(const std::string& version) const {
    if (!wait_until(kWaitMost, [&] { return last(kFirmware) == version; })) return false;
    const int before = count_readings(site, kReadings);
    return wait_until(kWaitMost, [&] { return count_readings(site, kReadings) > before + 10; });
  }
  [[nodiscard]] Outcome flash(const std::string& image, const std::string& version) const {
    return run_command(
        fmt::format("{} --config {}/bridge.toml flash --device uno --image {} "
                    "--firmware {}",
                    FIELDPOST_BRIDGE, site.directory(), image, version));
  }
  /// The same as a command of the coordinator.
  [[nodiscard]] Outcome command(const std::string& image, const std::string& version) const {
    return run_command(
        fmt::format("{} --url http://127.0.0.1:{} nodes flash {} --board uno "
                    "--image {} --firmware {}",
                    FIELDPOST_TOOL, site.coordinator_port(), kNodeName, image, version));
  }
  /// The same, while this thread does something else.
  [[nodiscard]] std::future<Outcome> begin_flash(const std::string& image,
                                                 const std::string& version) const {
    return std::async(std::launch::async, [=, this] { return flash(image, version); });
  }
  /// The firmware of before, in every byte that it had.
  [[nodiscard]] bool has_old_firmware() const {
    const std::string now = board.flash(kAppSize);
    const std::size_t size = old_flash.find_last_not_of('\xff') + 1;
    return now.compare(0, size, old_flash, 0, size) == 0;
  }
  /// Waits until the first page of the filler is there: the firmware is new, the rest is to come.
  [[nodiscard]] bool is_half_written() const {
    const auto end = std::chrono::steady_clock::now() + kWaitMost;
    while (std::chrono::steady_clock::now() < end) {
      if (board.flash(kFillerBegin + kRecordSize).substr(kFillerBegin)[0] == '\0') return true;
      std::this_thread::sleep_for(kGlance);
    }
    return false;
  }

  TempDirectory sockets;  ///< of the bridge
  RealSite site{
      {.agent_config = fmt::format("[bridge]\nsockets = [\"{}/bridge.sock\"]\n", sockets.path())}};
  AvrBoardProcess board{site.directory() + "/uno",
                        site.directory() + "/flash.bin",
                        {.app = image_path("1.0.0"), .words = {"--adc", "0=1500"}}};
  DaemonProcess bridge{{FIELDPOST_BRIDGE, "--config", site.directory() + "/bridge.toml"},
                       site.directory() + "/bridge.log"};
  std::string old_flash;
};

bool no_board() {
  if (AvrBoardProcess::possible()) return false;
  REQUIRE(may_skip("no simavr, avr-gcc or avrdude, so nothing was shown about boards"));
  return true;
}

}  // namespace

TEST_CASE("what a board measures reaches the coordinator with its unit and the board's name") {
  if (no_board()) return;
  Bench bench;
  const auto list = bench.site.ask(std::string("/api/v1/series?") + kReadings);
  REQUIRE(list.has_value());
  REQUIRE(list->at("items").size() == 1);
  const json& series = list->at("items")[0];
  CHECK(series.at("unit") == "V");
  CHECK(series.at("tags").at("device") == "uno");
  const json value = bench.last(kReadings);
  REQUIRE(value.is_number());
  CHECK(value.get<double>() == doctest::Approx(kVolts).epsilon(kTolerance));
}

TEST_CASE("a board that is plugged in again at another port is heard again") {
  if (no_board()) return;
  Bench bench;
  bench.board.unplug();
  bench.board.start();
  CHECK(bench.reports("1.0.0"));
  CHECK(bench.bridge.running());
}

TEST_CASE("a new version is flashed over the port that readings come from") {
  if (no_board()) return;
  Bench bench;
  const Outcome outcome = bench.flash(image_path("2.0.0"), "2.0.0");
  INFO(outcome.out);
  INFO(bench.bridge.log());
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out.find("done") != std::string::npos);
  CHECK(bench.reports("2.0.0"));
  CHECK(!bench.has_old_firmware());
}

TEST_CASE("a damaged image is refused and the board goes on as it was") {
  if (no_board()) return;
  Bench bench;
  std::string damaged = text_of(image_path("2.0.0"));
  char& digit = damaged.at(damaged.find('\n') / 2);
  digit = digit == '0' ? '1' : '0';
  const Outcome outcome = bench.flash(bench.file("damaged.hex", damaged), "2.0.0");
  INFO(outcome.out);
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.out.find("done") == std::string::npos);
  CHECK(bench.board.flash(kAppSize) == bench.old_flash);
  CHECK(bench.reports("1.0.0"));
}

TEST_CASE("an image that says nothing is taken back") {
  if (no_board()) return;
  Bench bench;
  // rjmp to itself: it verifies, and that is all it does.
  const std::string image = bench.file("silent.hex", ":02000000FFCF30\n:00000001FF\n");
  const Outcome outcome = bench.flash(image, "2.0.0");
  INFO(outcome.out);
  INFO(bench.bridge.log());
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.out.find("reverted") != std::string::npos);
  CHECK(bench.has_old_firmware());
  CHECK(bench.reports("1.0.0"));
}

TEST_CASE("an image of another version than was told is taken back") {
  if (no_board()) return;
  Bench bench;
  const Outcome outcome = bench.flash(image_path("2.0.0"), "3.0.0");
  INFO(outcome.out);
  INFO(bench.bridge.log());
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.out.find("reverted") != std::string::npos);
  CHECK(bench.has_old_firmware());
  CHECK(bench.reports("1.0.0"));
}

TEST_CASE("a board that loses its power while it is written has its old firmware afterwards") {
  if (no_board()) return;
  Bench bench;
  bench.board.unplug();
  bench.board.start({"--cut-after-page", std::to_string(kMidPage)});
  REQUIRE(bench.reports("1.0.0"));
  auto flashing = bench.begin_flash(bench.file("long.hex", long_image()), "2.0.0");
  REQUIRE(wait_until(kFlashMost, [&] { return !bench.board.running(); }));
  CHECK(!bench.has_old_firmware());
  bench.board.start();
  REQUIRE(flashing.wait_for(kFlashMost) == std::future_status::ready);
  const Outcome outcome = flashing.get();
  INFO(outcome.out);
  INFO(bench.bridge.log());
  CHECK(outcome.exit_code == 1);
  CHECK(wait_until(kFlashMost, [&] { return bench.has_old_firmware(); }));
  CHECK(bench.reports("1.0.0"));
}

TEST_CASE("a bridge that is killed while it writes takes the old firmware back at its next start") {
  if (no_board()) return;
  Bench bench;
  auto flashing = bench.begin_flash(bench.file("long.hex", long_image()), "2.0.0");
  REQUIRE(bench.is_half_written());
  bench.bridge.kill();
  CHECK(!bench.has_old_firmware());
  CHECK(flashing.get().exit_code != 0);
  bench.bridge.start();
  CHECK(wait_until(kFlashMost,
                   [&] { return bench.bridge.log().find("reverted") != std::string::npos; }));
  INFO(bench.bridge.log());
  CHECK(bench.has_old_firmware());
  CHECK(bench.reports("1.0.0"));
}

TEST_CASE("a command of the coordinator has a board flashed, whatever becomes of the agent") {
  if (no_board()) return;
  Bench bench;
  const Outcome refused = bench.command(image_path("2.0.0"), "3.0.0");
  INFO(refused.out);
  CHECK(refused.exit_code == 1);
  CHECK(refused.out.find("holds the old firmware again") != std::string::npos);
  CHECK(bench.reports("1.0.0"));

  const std::string image = bench.file("long.hex", long_image());
  auto flashing = std::async(std::launch::async, [&] { return bench.command(image, "2.0.0"); });
  REQUIRE(bench.is_half_written());
  bench.site.agent().kill();
  bench.site.agent().start();
  REQUIRE(flashing.wait_for(kFlashMost) == std::future_status::ready);
  const Outcome done = flashing.get();
  INFO(done.out);
  INFO(bench.bridge.log());
  CHECK(done.exit_code == 0);
  CHECK(done.out.find("firmware 2.0.0 runs") != std::string::npos);
  CHECK(bench.reports("2.0.0"));
}

}  // namespace fieldpost::test
