// Noise never becomes a reading, and hides no good message that comes behind it.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <string>
#include <vector>

#include "firmware-bridge/protocols/make_protocol.h"
#include "tests/support/board_frames.h"
#include "tests/support/sim/dice.h"

namespace fieldpost::test {
namespace {

using namespace bridge;  // NOLINT: what is tested
using namespace std::string_literals;
using Kind = ProtocolOptions::Kind;

constexpr std::int64_t kNow = 1'800'000'000'000'000'000;

std::string random_bytes(sim::Dice& dice, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(dice.below(256));
  return out;
}

/// One bit in a hundred is turned over.
std::string with_flips(sim::Dice& dice, std::string bytes) {
  for (char& c : bytes) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      if (dice.below(100) == 0) c = static_cast<char>(c ^ static_cast<char>(1U << bit));
    }
  }
  return bytes;
}

/// A board behind a line that cuts what it sends anywhere.
class Line {
 public:
  Line(Kind kind, std::uint64_t seed) : dice_(seed) {
    auto made = make_protocol(ProtocolOptions{.kind = kind});
    REQUIRE(made.has_value());
    protocol_ = *std::move(made);
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t size = std::min<std::size_t>(bytes.size(), 1 + dice_.below(100));
      protocol_->feed(bytes.substr(0, size), kNow, heard);
      bytes.remove_prefix(size);
    }
  }
  [[nodiscard]] const ProtocolCounts& counts() const { return protocol_->counts(); }
  /// Values of a field, in order.
  [[nodiscard]] std::vector<double> values(std::string_view field) const {
    std::vector<double> out;
    for (const Measured& each : heard.readings) {
      if (each.key.field == field) out.push_back(std::bit_cast<double>(each.value.bits));
    }
    return out;
  }

  Heard heard;

 private:
  sim::Dice dice_;
  std::unique_ptr<Protocol> protocol_;
};

constexpr unsigned kFirst = 65'000;  ///< sequence of a board's first frame: soon it wraps

double temperature(unsigned number) {
  return 20 + static_cast<double>(number % 100) / 8;
}

/// Two readings that belong together.
std::string numbered_frame(unsigned number) {
  return board_frame(
      FrameKind::kReadings, kFirst + 1 + number,
      readings_body({{"number", static_cast<double>(number)}, {"temp", temperature(number)}}));
}

/// Has declared its series.
struct FramesLine : Line {
  explicit FramesLine(std::uint64_t seed) : Line(Kind::kFrames, seed) {
    send(board_frame(FrameKind::kSeries, kFirst, series_body({{"number", ""}, {"temp", "Cel"}})));
  }

  /// Every reading that was received is one that was sent, and of those before `sent` that are not
  /// there as many are counted as lost. The last one must have been good.
  void check(unsigned sent, const std::vector<unsigned>& good) const {
    const auto numbers = values("number");
    const auto temperatures = values("temp");
    REQUIRE(heard.readings.size() == 2 * numbers.size());
    REQUIRE(temperatures.size() == numbers.size());
    CHECK(std::ranges::is_sorted(numbers, std::less_equal<>()));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const auto number = static_cast<unsigned>(numbers[i]);
      REQUIRE(numbers[i] == number);
      REQUIRE(number < sent);
      REQUIRE(temperatures[i] == temperature(number));
    }
    for (const unsigned each : good) {
      REQUIRE(std::ranges::binary_search(numbers, static_cast<double>(each)));
    }
    CHECK(numbers.size() + heard.lost == sent);
    CHECK_FALSE(heard.restart_unseen);
  }
};

TEST_CASE("random bytes between frames become nothing, and no frame behind them is missed") {
  FramesLine line(1);
  sim::Dice dice(2);
  std::vector<unsigned> good;
  for (unsigned number = 0; number < 2000; ++number) {
    line.send(random_bytes(dice, dice.below(300)));
    line.send(numbered_frame(number));
    good.push_back(number);
  }
  line.check(2000, good);
  CHECK(line.counts().good == 2001);
  CHECK(line.counts().bad > 1000);
}

TEST_CASE("frames that are cut short are lost, and counted") {
  FramesLine line(3);
  sim::Dice dice(4);
  std::vector<unsigned> good;
  for (unsigned number = 0; number < 2001; ++number) {
    const std::string frame = numbered_frame(number);
    if (number % 2 == 0) {
      line.send(frame);
      good.push_back(number);
    } else if (dice.chance(50)) {
      line.send(frame.substr(0, dice.below(frame.size() - 1)));
    } else {
      line.send(frame.substr(2 + dice.below(frame.size() - 2)));
    }
  }
  line.check(2001, good);
  CHECK(line.heard.lost == 1000);
}

TEST_CASE(
    "with one bit in a hundred turned over no false reading comes, and no whole one is lost") {
  FramesLine line(5);
  sim::Dice dice(6);
  std::vector<unsigned> good;
  constexpr unsigned kFrames = 5000;
  for (unsigned number = 0; number < kFrames; ++number) {
    const std::string frame = numbered_frame(number);
    const bool is_last = number + 1 == kFrames;
    const std::string sent = is_last ? frame : with_flips(dice, frame);
    line.send(sent);
    if (sent == frame) good.push_back(number);
  }
  CHECK(good.size() > 10);
  CHECK(good.size() < kFrames / 10);
  line.check(kFrames, good);
  CHECK(line.counts().bad_checksum > 500);
}

TEST_CASE("frames that are good but come again, and noise among them, become no readings twice") {
  FramesLine line(7);
  sim::Dice dice(8);
  std::vector<unsigned> good;
  for (unsigned number = 0; number < 1000; ++number) {
    const std::string frame = numbered_frame(number);
    for (std::uint64_t times = 1 + dice.below(3); times > 0; --times) line.send(frame);
    good.push_back(number);
  }
  line.check(1000, good);
  CHECK(line.counts().bad > 500);
}

std::string numbered_sentence(unsigned number) {
  const std::string body = fmt::format("GPGGA,,,,,,1,{},{}.5,,,,", number, number);
  unsigned sum = 0;
  for (const char c : body) sum ^= static_cast<unsigned char>(c);
  return fmt::format("${}*{:02X}\r\n", body, sum);
}

/// Readings that no sentence below `sent` has: its number is that of the satellites, and with a
/// half more the HDOP.
std::size_t count_false(const Line& line, unsigned sent) {
  std::size_t count = 0;
  for (const Measured& each : line.heard.readings) {
    const bool is_count = each.value.type == wire::ValueType::kI64;
    const double value = is_count ? static_cast<double>(static_cast<std::int64_t>(each.value.bits))
                                  : std::bit_cast<double>(each.value.bits);
    const double number = each.key.field == "hdop" ? value - 0.5 : value;
    const bool is_fix = each.key.field == "fix" && value == 1;
    const bool is_number = each.key.field == "satellites" || each.key.field == "hdop";
    const bool is_sent = is_number && number >= 0 && number < sent &&
                         number == static_cast<double>(static_cast<unsigned>(number));
    if (!is_fix && !is_sent) count += 1;
  }
  return count;
}

std::vector<unsigned> numbers_of(const Line& line) {
  std::vector<unsigned> out;
  for (const Measured& each : line.heard.readings) {
    if (each.key.field == "satellites") out.push_back(static_cast<unsigned>(each.value.bits));
  }
  return out;
}

TEST_CASE("noise between sentences becomes nothing, and no sentence behind it is missed") {
  Line line(Kind::kNmea, 9);
  sim::Dice dice(10);
  std::vector<unsigned> sent;
  for (unsigned number = 0; number < 2000; ++number) {
    const std::string sentence = numbered_sentence(number);
    if (dice.chance(50)) line.send(random_bytes(dice, dice.below(300)));
    if (dice.chance(50)) line.send(sentence.substr(0, dice.below(sentence.size() - 5)));
    line.send(sentence);
    sent.push_back(number);
  }
  CHECK(numbers_of(line) == sent);
  CHECK(line.counts().good == 2000);
  CHECK(line.heard.readings.size() == 6000);
  CHECK(count_false(line, 2000) == 0);
}

TEST_CASE("a sentence with one bit turned over is never a reading, nor the loss of the next") {
  Line line(Kind::kNmea, 11);
  sim::Dice dice(12);
  std::vector<unsigned> sent;
  for (unsigned number = 0; number < 2000; ++number) {
    std::string hit = numbered_sentence(10'000 + number);
    constexpr std::size_t kTail = 4;  // the checksum, whose digits may as well be small letters
    char& c = hit[dice.below(hit.size() - kTail)];
    c = static_cast<char>(c ^ static_cast<char>(1U << dice.below(8)));
    line.send(hit);
    line.send(numbered_sentence(number));
    sent.push_back(number);
  }
  CHECK(numbers_of(line) == sent);
  CHECK(line.counts().bad_checksum > 1000);
}

TEST_CASE("of sentences with one bit in a hundred turned over few pass eight bits of checksum") {
  Line line(Kind::kNmea, 13);
  sim::Dice dice(14);
  std::size_t damaged = 0;
  std::vector<unsigned> whole;
  constexpr unsigned kSentences = 5000;
  for (unsigned number = 0; number < kSentences; ++number) {
    const std::string sentence = numbered_sentence(number);
    const std::string sent = with_flips(dice, sentence);
    line.send(sent);
    if (sent == sentence) {
      whole.push_back(number);
    } else {
      damaged += 1;
    }
  }
  const auto numbers = numbers_of(line);
  std::size_t at = 0;
  for (const unsigned number : numbers) {
    if (at < whole.size() && number == whole[at]) at += 1;
  }
  CHECK(at == whole.size());
  CHECK(damaged > kSentences / 2);
  CHECK(numbers.size() - whole.size() < damaged / 50);
}

TEST_CASE("random bytes are no lines of any kind") {
  for (const Kind kind : {Kind::kLineProtocol, Kind::kJson, Kind::kNmea}) {
    Line line(kind, 15);
    sim::Dice dice(16);
    for (int round = 0; round < 500; ++round) line.send(random_bytes(dice, 400));
    CHECK(line.heard.readings.empty());
    CHECK(line.counts().good == 0);
    CHECK(line.counts().bad > 100);
    CHECK(line.counts().bytes == 500 * 400);
  }
}

}  // namespace
}  // namespace fieldpost::test
