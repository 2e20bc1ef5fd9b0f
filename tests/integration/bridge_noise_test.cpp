// A line full of noise into the real bridge, as fast as 921,600 baud carry it.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <utility>

#include "tests/support/bridge_process.h"
#include "tests/support/frame_sender.h"
#include "tests/support/line_agent.h"
#include "tests/support/pty_board.h"
#include "tests/support/real_site.h"
#include "tests/support/temp_directory.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kWaitMost = 60s;
constexpr std::size_t kNoiseSeconds = 10, kLongNoiseSeconds = 60;
constexpr std::size_t kBytesPerSecond = 92'160;  // 921,600 baud, 8N1
constexpr auto kTick = 20ms;
constexpr std::size_t kBytesPerTick = kBytesPerSecond / 50;
constexpr int kFramesAfter = 100;
constexpr double kStart = 1'767'225'600;  // 2026-01-01
constexpr std::int64_t kStartMs = 1'767'225'600'000;
constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr int kMsPerFrame = 10;
constexpr std::uint64_t kSeed = 5;
constexpr int kBitsFlippedPercent = 1;
const std::string kNoFrame(1, '\0');

/// FIELDPOST_LONG_TESTS in the environment: the whole minute.
std::size_t noise_seconds() {
  return std::getenv("FIELDPOST_LONG_TESTS") == nullptr ? kNoiseSeconds : kLongNoiseSeconds;
}

/// Damaged frames whose checksum is right all the same: one in 65,536. They hold no declared
/// series, but the frame is not missed.
constexpr std::uint64_t kPassedMost = 3;

/// Values by series and time.
using Expected = std::map<std::pair<std::string, std::int64_t>, double>;

/// What a line with noise carries: some frames arrive whole, others do not.
class NoisyLine {
 public:
  explicit NoisyLine(FrameSender& sender) : sender_(sender) {}

  [[nodiscard]] std::string make(std::size_t size) {
    std::string bytes;
    while (bytes.size() < size) bytes += next_piece();
    return bytes;
  }
  [[nodiscard]] std::string good_frame() {
    const int number = number_++;
    const std::int64_t time = (kStartMs + std::int64_t{kMsPerFrame} * number) * kNsPerMs;
    expected_[{"m,device=it a", time}] = number;
    expected_[{"m,device=it b", time}] = -2 * number;
    return frame(number);
  }
  [[nodiscard]] const Expected& expected() const { return expected_; }
  [[nodiscard]] std::uint64_t damaged() const { return damaged_; }

 private:
  std::string next_piece() {
    const std::uint64_t kind = dice_() % 10;
    if (kind < 2) return random_bytes();
    if (kind < 4) return cut_frame();
    return kind < 6 ? flipped_frame() : good_frame();
  }

  std::string frame(int number) {
    return sender_.readings_at(kStart + 0.001 * kMsPerFrame * number,
                               {{"a", number}, {"b", -2 * number}});
  }

  std::string random_bytes() {
    std::string bytes(1 + dice_() % 600, '\0');
    for (char& each : bytes) each = static_cast<char>(dice_());
    return bytes;
  }

  std::string cut_frame() {
    damaged_ += 1;
    std::string whole = frame(number_++);
    whole.resize(1 + dice_() % (whole.size() / 2));
    return whole;
  }

  std::string flipped_frame() {
    damaged_ += 1;
    const std::string whole = frame(number_++);
    std::string bytes = whole;
    for (char& each : bytes) {
      for (int bit = 0; bit < 8; ++bit) {
        if (dice_() % 100 < kBitsFlippedPercent) each = static_cast<char>(each ^ 1 << bit);
      }
    }
    if (bytes == whole) bytes[bytes.size() / 2] ^= '\x01';
    return bytes;
  }

  FrameSender& sender_;
  std::mt19937_64 dice_{kSeed};
  int number_ = 0;
  std::uint64_t damaged_ = 0;
  Expected expected_;
};

/// At the rate of the line, while the bridge's questions are taken.
bool send_at_rate(PtyBoard& board, const std::string& bytes) {
  const auto begin = std::chrono::steady_clock::now();
  int tick = 0;
  for (std::size_t at = 0; at < bytes.size(); at += kBytesPerTick) {
    board.listen_until(begin + kTick * tick++);
    if (!board.send(std::string_view(bytes).substr(at, kBytesPerTick))) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("of a noisy line every whole frame is told, and nothing else") {
  const TempDirectory directory;
  const LineAgent agent(directory.file("agent.sock"));
  PtyBoard board(directory.file("it"));
  BridgeProcess bridge(directory.path(), directory.file("agent.sock"),
                       device_toml("it", board.link(), "frames", "measurement = \"m\""));
  bridge.daemon().start();
  REQUIRE(bridge.hears(board, "it", kNoFrame));
  FrameSender sender;
  REQUIRE(board.send(sender.boot("it", "1.0.0")));
  REQUIRE(board.send(sender.series({{"a", ""}, {"b", ""}})));
  NoisyLine line(sender);
  REQUIRE(send_at_rate(board, line.make(noise_seconds() * kBytesPerSecond)));
  for (int i = 0; i < kFramesAfter; ++i) REQUIRE(board.send(line.good_frame()));

  Expected missing = line.expected();
  CHECK(wait_until(kWaitMost, [&] { return agent.measured() >= missing.size(); }));
  for (const ToldReading& each : agent.told()) {
    if (each.series.starts_with("fieldpost_bridge,")) continue;
    INFO(each.series, " ", each.time.value_or(0));
    const auto found = missing.find({each.series, each.time.value_or(0)});
    REQUIRE(found != missing.end());
    CHECK(found->second == std::atof(each.value.c_str()));
    missing.erase(found);
  }
  CHECK(missing.empty());
  CHECK(bridge.daemon().running());
  const std::uint64_t lost = bridge.count("it", "lost");
  CHECK(lost <= line.damaged());
  CHECK(lost + kPassedMost >= line.damaged());
  CHECK(bridge.count("it", "boots") == 1);
  CHECK(bridge.count("it", "bad_checksum") > 0);
  CHECK(bridge.count("it", "bad") > 0);
}

}  // namespace fieldpost::test
