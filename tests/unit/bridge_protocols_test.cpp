// What boards say in frames and lines becomes readings; what they do not say does not.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <bit>
#include <limits>
#include <string>
#include <vector>

#include "firmware-bridge/protocols/make_protocol.h"
#include "tests/support/board_frames.h"

namespace fieldpost::test {
namespace {

using namespace bridge;  // NOLINT: what is tested
using namespace std::string_literals;
using Kind = ProtocolOptions::Kind;

constexpr std::int64_t kNow = 1'800'000'000'000'000'000;

std::string shown(const mapping::DeviceValue& value) {
  switch (value.type) {
    case wire::ValueType::kF64: return fmt::format("{:.6g}", std::bit_cast<double>(value.bits));
    case wire::ValueType::kI64: return fmt::format("{}i", static_cast<std::int64_t>(value.bits));
    case wire::ValueType::kU64: return fmt::format("{}u", value.bits);
    case wire::ValueType::kBool: return value.bits != 0 ? "true" : "false";
    case wire::ValueType::kString: return "'" + value.text + "'";
  }
  return "?";
}

/// "measurement,tag=value field=value unit @time; …"; times in seconds from kNow. "@-2.5 s": by
/// so much it was measured before it arrived.
std::string shown(const Heard& heard) {
  std::string out;
  for (const Measured& each : heard.readings) {
    CHECK(each.key.type == each.value.type);
    out += each.key.measurement;
    for (const auto& [tag, value] : each.key.tags) out += "," + tag + "=" + value;
    out += out.empty() || out.back() == ' ' ? "" : " ";
    out += each.key.field + "=" + shown(each.value);
    out += each.key.unit.empty() ? "" : " " + each.key.unit;
    if (each.time) out += fmt::format(" @{}", static_cast<double>(*each.time - kNow) / 1e9);
    if (each.age != 0) out += fmt::format(" @{} s", -static_cast<double>(each.age) / 1e9);
    out += "; ";
  }
  return out;
}

/// A protocol, and what it heard last.
struct Board {
  explicit Board(ProtocolOptions options) {
    auto made = make_protocol(options);
    REQUIRE(made.has_value());
    protocol = *std::move(made);
  }
  explicit Board(Kind kind) : Board(ProtocolOptions{.kind = kind}) {}

  std::string feed(std::string_view bytes) {
    heard = {};
    protocol->feed(bytes, kNow, heard);
    return shown(heard);
  }
  std::string take_message(std::string_view bytes) {
    heard = {};
    protocol->take_message(bytes, kNow, heard);
    return shown(heard);
  }
  [[nodiscard]] const ProtocolCounts& counts() const { return protocol->counts(); }

  std::unique_ptr<Protocol> protocol;
  Heard heard;
};

ProtocolOptions pattern_options(const std::string& pattern) {
  return {.kind = Kind::kPattern, .pattern = pattern};
}

std::string readings(unsigned sequence,
                     const std::vector<std::pair<std::string, double>>& values = {{"temp", 21}}) {
  return board_frame(FrameKind::kReadings, sequence, readings_body(values));
}

/// Has said who it is and what it measures; the next sequence is 2.
struct FramesBoard : Board {
  FramesBoard() : Board(Kind::kFrames) {
    feed(board_frame(FrameKind::kBoot, 0, hello_body("uno", "1.0")) +
         board_frame(FrameKind::kSeries, 1, series_body({{"temp", "Cel"}, {"rounds", ""}})));
  }
};

TEST_CASE("a board of frames says who it is, and what it declared becomes readings") {
  Board board(Kind::kFrames);
  board.feed(board_frame(FrameKind::kBoot, 0, hello_body("uno", "1.0", 4)));
  REQUIRE(board.heard.hello.has_value());
  CHECK(board.heard.hello->name == "uno");
  CHECK(board.heard.hello->firmware == "1.0");
  CHECK(board.heard.hello->boot == BootReason::kWatchdog);
  CHECK(board.heard.booted);
  CHECK(board.feed(readings(1)).empty());
  CHECK(board.counts().undeclared == 1);
  board.feed(board_frame(FrameKind::kSeries, 2, series_body({{"temp", "Cel"}, {"rounds", ""}})));
  CHECK(board.feed(readings(3, {{"temp", 21.5}, {"other", 1}, {"rounds", 7}})) ==
        "temp=21.5 Cel; rounds=7; ");
  CHECK(board.counts().undeclared == 2);
  CHECK(board.counts().good == 4);
  CHECK(board.counts().bad == 0);
  CHECK(board.heard.lost == 0);
  CHECK(board.heard.why_bad.empty());
  CHECK_FALSE(board.heard.booted);
}

TEST_CASE("the question is the frame that the device library waits for") {
  const Board board(Kind::kFrames);
  CHECK(board.protocol->question() == "\0\2\x1a\1\3\xdc\xcf\0"s);
  CHECK(Board(Kind::kNmea).protocol->question().empty());
}

TEST_CASE("an answer is no start, and the same firmware need not declare again") {
  FramesBoard board;
  board.feed(board_frame(FrameKind::kHello, 2, hello_body("uno", "1.0")));
  CHECK(board.heard.hello.has_value());
  CHECK_FALSE(board.heard.booted);
  CHECK(board.feed(readings(3)) == "temp=21 Cel; ");
  board.feed(board_frame(FrameKind::kBoot, 0, hello_body("uno", "1.0")));
  CHECK(board.feed(readings(1)) == "temp=21 Cel; ");
  board.feed(board_frame(FrameKind::kBoot, 0, hello_body("uno", "2.0")));
  CHECK(board.feed(readings(1)).empty());
}

TEST_CASE("times of SenML are ages, unless they are absolute") {
  FramesBoard board;
  const std::string pack = R"([{"n":"temp","v":1,"t":-2.5},{"n":"temp","v":2},
      {"n":"temp","u":"K","v":3,"t":1800000001}])";
  CHECK(board.feed(board_frame(FrameKind::kReadingsJson, 2, pack)) ==
        "temp=1 Cel @-2.5 s; temp=2 Cel; temp=3 Cel @1; ");
  CHECK(board.heard.readings[0].age == 2'500'000'000);
  CHECK(board.take_message(R"([{"bt":-3,"n":"temp","v":1},{"n":"temp","v":2,"t":7}])") ==
        "temp=1 Cel @-3 s; temp=2 Cel; ");
  CHECK(board.counts().bad == 0);
}

TEST_CASE("a unit is the declared one, else the reading's, else the configured one") {
  Board board({.kind = Kind::kFrames, .units = {{"a", "A"}, {"b", "A"}, {"c", "A"}}});
  board.feed(board_frame(FrameKind::kSeries, 0, series_body({{"a", "V"}, {"b", ""}, {"c", ""}})));
  const std::string pack = R"([{"n":"a","u":"W","v":1},{"n":"b","u":"W","v":2},{"n":"c","v":3}])";
  CHECK(board.feed(board_frame(FrameKind::kReadingsJson, 1, pack)) == "a=1 V; b=2 W; c=3 A; ");
}

TEST_CASE("a jump of the sequence is frames that were lost, over the wrap too") {
  FramesBoard board;
  CHECK(board.feed(readings(2)) == "temp=21 Cel; ");
  CHECK(board.heard.lost == 0);
  CHECK(board.feed(readings(6)) == "temp=21 Cel; ");
  CHECK(board.heard.lost == 3);
  CHECK(board.feed(readings(30'000)) == "temp=21 Cel; ");
  CHECK(board.heard.lost == 29'993);
  CHECK(board.feed(readings(60'000)) == "temp=21 Cel; ");
  CHECK(board.feed(readings(65'534)) == "temp=21 Cel; ");
  CHECK(board.feed(readings(1)) == "temp=21 Cel; ");
  CHECK(board.heard.lost == 2);
  CHECK_FALSE(board.heard.restart_unseen);
}

TEST_CASE("a frame that comes again, or from a little before, is not taken twice") {
  FramesBoard board;
  board.feed(readings(2));
  board.feed(readings(3));
  for (const unsigned sequence : {3U, 2U, 0U, 3U}) {
    CHECK(board.feed(readings(sequence)).empty());
    CHECK(board.heard.why_bad == fmt::format("frame {} comes again, or is damaged", sequence));
  }
  CHECK(board.counts().bad == 4);
  CHECK(board.feed(readings(4)) == "temp=21 Cel; ");
  CHECK(board.heard.lost == 0);
}

TEST_CASE(
    "a board that began anew without being heard is asked again, and nothing counts as lost") {
  FramesBoard board;
  SUBCASE("far back") {
    board.feed(readings(10'000));
    CHECK(board.feed(readings(100)) == "temp=21 Cel; ");
  }
  SUBCASE("from the upper half") {
    board.feed(readings(30'000));
    board.feed(readings(50'000));
    CHECK(board.feed(readings(100)) == "temp=21 Cel; ");
  }
  SUBCASE("near, when three frames follow each other") {
    board.feed(readings(100));
    CHECK(board.feed(readings(4)).empty());
    CHECK(board.feed(readings(5)).empty());
    CHECK_FALSE(board.heard.restart_unseen);
    CHECK(board.feed(readings(6)) == "temp=21 Cel; ");
    CHECK(board.counts().bad == 2);
  }
  SUBCASE("near, when the port was opened anew") {
    board.feed(readings(100));
    board.protocol->restart();
    CHECK(board.feed(readings(4)) == "temp=21 Cel; ");
  }
  CHECK(board.heard.restart_unseen);
  CHECK(board.heard.lost == 0);
}

TEST_CASE("a port that was opened anew breaks the count once: then frames come again as before") {
  FramesBoard board;
  board.feed(readings(2));
  board.protocol->restart();
  CHECK(board.feed(readings(3)) == "temp=21 Cel; ");
  CHECK(board.feed(readings(3)).empty());
  CHECK_FALSE(board.heard.restart_unseen);
  CHECK(board.heard.why_bad == "frame 3 comes again, or is damaged");
  CHECK(board.feed(readings(4)) == "temp=21 Cel; ");
}

TEST_CASE("a boot frame begins the count anew, and only one whose sequence is 0") {
  FramesBoard board;
  board.feed(readings(1000));
  board.feed(board_frame(FrameKind::kBoot, 7, hello_body("uno", "1.0")));
  CHECK_FALSE(board.heard.booted);
  CHECK(board.heard.why_bad == "a boot frame whose sequence is not 0");
  board.feed(board_frame(FrameKind::kBoot, 0, hello_body("uno", "1.0")) + readings(1));
  CHECK(board.heard.booted);
  CHECK(board.heard.lost == 0);
  CHECK_FALSE(board.heard.restart_unseen);
  CHECK(board.heard.readings.size() == 1);
}

TEST_CASE("what damage and which strangers there are is counted apart") {
  FramesBoard board;
  std::string damaged = readings(2);
  damaged[6] = static_cast<char>(damaged[6] ^ 4);
  board.feed(damaged);
  CHECK(board.counts().bad_checksum == 1);
  CHECK(board.counts().bad == 0);
  CHECK(board.heard.why_bad == "a frame with a wrong checksum");
  board.feed("\5abc\0"s);
  CHECK(board.counts().bad == 1);
  CHECK(board.heard.why_bad == "bytes that are no frame");
  board.feed(std::string(5000, 'x') + '\0');
  CHECK(board.counts().bad == 2);
  CHECK(board.heard.why_bad == "more than 4096 bytes without the end of a frame");
  board.feed(make_frame("\x23\2\0what there is in another version"s));
  CHECK(board.counts().other_version == 1);
  board.feed(make_frame("\x17\x09\0"s));
  CHECK(board.heard.why_bad == "a frame of kind 7, which there is not");
  board.feed(board.protocol->question());
  CHECK(board.heard.why_bad == "our own question: the line sends back what it gets");
  CHECK(board.counts().bad == 4);
  CHECK(board.counts().good == 2);
  CHECK(board.feed(readings(3)) == "temp=21 Cel; ");
  CHECK(board.heard.lost == 1);
}

TEST_CASE("a frame whose body is none was not lost, and a strange sequence in it is not believed") {
  FramesBoard board;
  board.feed(board_frame(FrameKind::kReadings, 2, "no CBOR"));
  CHECK(board.counts().bad == 1);
  CHECK(board.heard.why_bad.find("CBOR: ") == 0);
  board.feed(board_frame(FrameKind::kReadings, 20'000, "no CBOR"));
  CHECK(board.feed(readings(3)) == "temp=21 Cel; ");
  CHECK(board.heard.lost == 0);
}

TEST_CASE("a frame of a kind that there is not was not lost, if it is the expected one") {
  FramesBoard board;
  board.feed(make_frame("\x17\2\0"s));
  board.feed(make_frame("\x17\0\x80"s));
  CHECK(board.counts().bad == 2);
  CHECK(board.feed(readings(3)) == "temp=21 Cel; ");
  CHECK(board.heard.lost == 0);
  CHECK_FALSE(board.heard.restart_unseen);
}

TEST_CASE("a device declares a bounded number of series") {
  Board board(Kind::kFrames);
  for (unsigned frame = 0; frame < 5; ++frame) {
    DeclaredSeries series;
    for (unsigned i = 0; i < 250; ++i) series.emplace_back(std::to_string(frame * 250 + i), "");
    board.feed(board_frame(FrameKind::kSeries, frame, series_body(series)));
  }
  CHECK(board.heard.why_bad == "a device has at most 1024 series");
  CHECK(board.feed(readings(5, {{"1023", 1}, {"1024", 2}})) == "1023=1; ");
}

TEST_CASE("a text that no agent takes is left out, and the rest of its frame is not") {
  FramesBoard board;
  const std::string pack =
      "\x82\xa2\0\x64temp\3\x62\xff\xfe\xa2\0\x64temp\2\7"s;  // a text that is not UTF-8, and 7
  CHECK(board.feed(board_frame(FrameKind::kReadings, 2, pack)) == "temp=7 Cel; ");
  CHECK(board.counts().bad == 1);
  CHECK(board.heard.why_bad.find("no finite number, or no text") == 0);
}

TEST_CASE("a number that is not finite is left out, and the rest of its frame is not") {
  FramesBoard board;
  const double endless = std::numeric_limits<double>::infinity();
  const double none = std::numeric_limits<double>::quiet_NaN();
  const std::string body = readings_body({{"temp", none}, {"rounds", 7}, {"temp", -endless}});
  CHECK(board.feed(board_frame(FrameKind::kReadings, 2, body)) == "rounds=7; ");
  CHECK(board.counts().bad == 1);
  CHECK(board.heard.why_bad.find("no finite number, or no text") == 0);
  CHECK(board.take_message(readings_body({{"a", none}, {"b", 8}})) == "b=8; ");
  CHECK(board.counts().bad == 2);
}

TEST_CASE("what was begun is forgotten when the port is opened anew") {
  FramesBoard board;
  const std::string frame = readings(2);
  board.feed(frame.substr(0, 9));
  board.protocol->restart();
  CHECK(board.feed(readings(2)) == "temp=21 Cel; ");
  CHECK(board.counts().bad + board.counts().bad_checksum == 0);
  CHECK(board.counts().good == 3);
}

TEST_CASE("what damage was counted stays so when the port is opened anew") {
  FramesBoard board;
  std::string damaged = readings(2);
  damaged[6] = static_cast<char>(damaged[6] ^ 4);
  board.feed(damaged + "\5abc\0"s + std::string(5000, 'x') + '\0');
  CHECK(board.counts().bad_checksum == 1);
  CHECK(board.counts().bad == 2);
  board.protocol->restart();
  CHECK(board.feed(readings(3)) == "temp=21 Cel; ");
  CHECK(board.heard.why_bad.empty());
  CHECK(board.counts().bad_checksum == 1);
  CHECK(board.counts().bad == 2);
}

TEST_CASE("a message is frames, or SenML without any") {
  Board board(Kind::kFrames);
  CHECK(board.take_message(R"( [{"n":"temp","u":"Cel","v":21.5}])") == "temp=21.5 Cel; ");
  CHECK(board.take_message(readings_body({{"temp", 0}})) == "temp=0; ");
  CHECK(board.take_message("\x81\xa2\0\x61"
                           "a\2\0"s) == "a=0; ");
  board.take_message(board_frame(FrameKind::kBoot, 0, hello_body("esp", "1")) +
                     board_frame(FrameKind::kSeries, 1, series_body({{"temp", "K"}})));
  CHECK(board.heard.booted);
  const std::string frame = readings(2);
  CHECK(board.take_message(frame.substr(0, frame.size() - 1)) == "temp=21 K; ");
  CHECK(board.take_message(readings(3)) == "temp=21 K; ");
  CHECK(board.counts().bad == 0);
  CHECK(board.take_message(R"([{"n":"temp")").empty());
  CHECK(board.heard.why_bad == "SenML: expected a JSON array");
  CHECK(board.take_message("{}").empty());
  CHECK(board.heard.why_bad == "bytes that are no frame");
  CHECK(board.counts().bad == 2);
}

TEST_CASE("frames in messages need no declaration, and where there is one it says the units") {
  Board board({.kind = Kind::kFrames, .units = {{"rounds", "m"}}});
  CHECK(board.take_message(readings(700, {{"temp", 20}, {"rounds", 7}})) ==
        "temp=20; rounds=7 m; ");
  CHECK(board.counts().undeclared == 0);
  board.take_message(board_frame(FrameKind::kSeries, 701, series_body({{"temp", "Cel"}})));
  CHECK(board.heard.declared);
  CHECK(board.take_message(readings(702, {{"temp", 20}, {"other", 1}})) ==
        "temp=20 Cel; other=1; ");
  CHECK_FALSE(board.heard.declared);
  CHECK(board.feed(readings(703, {{"other", 1}})).empty());
  CHECK(board.counts().undeclared == 1);
}

TEST_CASE("messages may come again and late, and what then steps back is neither lost nor bad") {
  FramesBoard board;
  std::uint64_t lost = 0;
  const auto takes = [&](unsigned sequence) {
    const bool is_taken = board.take_message(readings(sequence)) == "temp=21 Cel; ";
    lost += board.heard.lost;
    return is_taken && board.heard.why_bad.empty() && !board.heard.restart_unseen;
  };
  for (unsigned sequence = 2; sequence < 9; ++sequence) CHECK(takes(sequence));
  for (const unsigned sequence : {8U, 5U, 6U, 7U, 8U, 2U}) {
    INFO("sequence: ", sequence);
    CHECK(takes(sequence));
  }
  CHECK(takes(9));
  CHECK(lost == 0);
  CHECK(takes(11));
  CHECK(takes(10));  // it was overtaken
  CHECK(takes(12));
  CHECK(lost == 1);
  board.protocol->restart();
  CHECK(takes(12));
  CHECK(takes(13));
  CHECK(lost == 1);
  CHECK(board.counts().bad == 0);
  // Far back it is a board that began anew, and one that follows it was not lost.
  CHECK(takes(5000));
  lost = 0;
  CHECK(board.take_message(readings(100)) == "temp=21 Cel; ");
  CHECK(board.heard.restart_unseen);
  CHECK(takes(101));
  CHECK(lost == 0);
}

TEST_CASE("lines of line protocol keep measurement, tags, types and times") {
  Board board({.kind = Kind::kLineProtocol, .units = {{"t", "Cel"}}});
  CHECK(board.feed("weather,room=a t=21.5,n=3i,ok=true,s=\"x y\" 1800000001000000000\r\n"
                   "weather t=1\n# a comment\n\nm u=7u\nn c=") ==
        "weather,room=a t=21.5 Cel @1; weather,room=a n=3i @1; weather,room=a ok=true @1; "
        "weather,room=a s='x y' @1; weather t=1 Cel; m u=7u; ");
  CHECK(board.feed("5\n") == "n c=5; ");
  CHECK(board.counts().good == 4);
  CHECK(board.counts().bad == 0);
  CHECK(board.feed("weather\n").empty());
  CHECK(board.heard.why_bad.find("line protocol: missing fields") == 0);
  CHECK(board.feed("we\1ther t=1\n").empty());
  CHECK(board.heard.why_bad == "line protocol: a line that is no text");
  CHECK(board.counts().bad == 2);
}

TEST_CASE("a key that has no room for what a bridge adds is left out") {
  Board board(Kind::kLineProtocol);
  CHECK(board.feed(std::string(2100, 'x') + " t=1\n").empty());
  CHECK(board.counts().bad == 1);
  std::string tags;
  for (int i = 0; i < 33; ++i) tags += fmt::format(",t{}=1", i);
  CHECK(board.feed("m" + tags + " t=1\n").empty());
  CHECK(board.heard.why_bad == "no valid name of a series: \"t\"");
}

TEST_CASE("JSON objects become flat fields") {
  Board board({.kind = Kind::kJson, .units = {{"env_temp", "Cel"}}});
  CHECK(board.feed(R"({"env":{"temp":20,"hum":[40.5,41]},"on":true,"off":null,"who":"a"})"
                   "\n") == "env_hum_0=40.5; env_hum_1=41; env_temp=20 Cel; on=true; who='a'; ");
  CHECK(board.feed("{\"time\":\"2027-01-15T08:00:01Z\",\"v\":1}\n") == "v=1 @1; ");
  CHECK(board.feed("{\"time\":12345,\"v\":1}\n") == "time=12345; v=1; ");
  CHECK(board.feed("{\"n\":-9007199254740993}\n") == "n=-9.0072e+15; ");
  CHECK(board.counts().good == 4);
  CHECK(board.counts().bad == 0);
}

TEST_CASE("what is no JSON object, nests too deep or has too many fields is bad as a whole") {
  Board board(Kind::kJson);
  for (const std::string& line :
       {"[1]"s, "7"s, "{\"a\":1"s, "{\"a\":1}}"s, "{\"a\":\"\xff\"}"s, "{\"a\":1e999}"s,
        "{\"a\":" + std::string(70, '[') + std::string(70, ']') + "}"}) {
    INFO(line);
    CHECK(board.feed(line + "\n").empty());
    CHECK(board.heard.why_bad == "JSON: a line that is no object");
  }
  CHECK(board.counts().bad == 7);
  for (const int count : {64, 65}) {
    std::string many = "{\"a\":[0";
    for (int i = 1; i < count; ++i) many += ",1";
    board.feed(many + "]}\n");
    CHECK(board.heard.readings.size() == (count == 64 ? 64U : 0U));
  }
  CHECK(board.heard.why_bad == "JSON: more than 64 fields");
  CHECK(board.feed("{\"\":1,\"a\\nb\":2,\"c\":3}\n") == "c=3; ");
  CHECK(board.counts().bad == 9);
}

TEST_CASE("a message of JSON may be one object over many lines, or an object a line") {
  Board board(Kind::kJson);
  CHECK(board.take_message("{\n  \"a\": 1,\n  \"b\": 2\n}\n") == "a=1; b=2; ");
  CHECK(board.take_message("{\"a\":1}\n{\"a\":2}") == "a=1; a=2; ");
  CHECK(board.counts().good == 3);
  CHECK(board.counts().bad == 0);
}

std::string sentence(const std::string& body) {
  unsigned sum = 0;
  for (const char c : body) sum ^= static_cast<unsigned char>(c);
  return fmt::format("${}*{:02X}\r\n", body, sum);
}

TEST_CASE("sentences of NMEA tell their time, and the receiver's clock") {
  Board board(Kind::kNmea);
  CHECK(board.feed(sentence("GPGGA,080001,,,,,1,8,,,,,")) == "fix=1i; satellites=8i; ");
  CHECK_FALSE(board.heard.clock.has_value());
  CHECK(board.feed(sentence("GPZDA,080000,15,01,2027,,")).empty());
  CHECK(board.heard.clock == kNow);
  CHECK(board.feed(sentence("GPGGA,080001.5,,,,,1,8,,,,,")) == "fix=1i @1.5; satellites=8i @1.5; ");
  CHECK(board.heard.clock == kNow + 1'500'000'000);
  CHECK(board.feed(sentence("GPGSV,1,1,08") + sentence("GLGSV,1,1,05")) ==
        ",talker=GP satellites_in_view=8i; ,talker=GL satellites_in_view=5i; ");
  CHECK(board.feed(sentence("GPVTG,054.7,T,,M,,N,,K")) == "course=54.7 deg; ");
  CHECK(board.counts().good == 6);
  board.protocol->restart();
  CHECK(board.feed(sentence("GPGGA,080001,,,,,1,,,,,,")) == "fix=1i; ");
}

TEST_CASE("a damaged sentence is told from a line that is none, and hides no good one behind it") {
  Board board(Kind::kNmea);
  CHECK(board.feed("$GPGGA,080001,,,,,1,8,,,,,*00\r\n").empty());
  CHECK(board.counts().bad_checksum == 1);
  CHECK(board.counts().bad == 0);
  board.feed("hello\r\n");
  CHECK(board.counts().bad == 1);
  CHECK(board.feed("$GPGGA,080\x80\1" + sentence("GPGGA,080001,,,,,1,,,,,,")) == "fix=1i; ");
  CHECK(board.counts().bad == 2);
  CHECK(board.counts().good == 1);
}

TEST_CASE("groups of a pattern are fields") {
  auto options = pattern_options("T=(?P<temp>[-+0-9.a-z]*) ?(?:H=(?P<hum>\\d+))?(?P<mode>[A-Z]*)");
  options.units = {{"temp", "Cel"}};
  Board board(options);
  CHECK(board.feed("T=-2.50 H=40AUTO\r\nT=+7 \nT=cold\n") ==
        "temp=-2.5 Cel; hum=40; mode='AUTO'; temp=7 Cel; temp='cold' Cel; ");
  CHECK(board.feed("T=nan\n").empty());
  CHECK(board.heard.why_bad.find("no finite number") == 0);
  CHECK(board.feed("xT=1\n").empty());
  CHECK(board.feed("T=1 !\n").empty());
  CHECK(board.heard.why_bad == "pattern: it does not fit \"T=1 !\"");
  CHECK(board.counts().good == 3);
  CHECK(board.counts().bad == 3);
}

std::string refusal(const ProtocolOptions& options) {
  const auto made = make_protocol(options);
  if (made) return "made";
  CHECK(made.error().code == rt::Errc::kInvalid);
  return made.error().message;
}

TEST_CASE("a pattern that is none is refused with what is wrong") {
  CHECK(refusal(pattern_options("(?P<a>x")).find("pattern \"(?P<a>x\": missing )") == 0);
  CHECK(refusal(pattern_options("(x)")).find("it has no named group") != std::string::npos);
  std::string many = "(?P<a>x)";
  for (int i = 0; i < 64; ++i) many += "(y)";
  CHECK(refusal(pattern_options(many)).find("more than 64 groups") != std::string::npos);
  CHECK(refusal({.kind = Kind::kModbus}).find("Modbus is asked") != std::string::npos);
}

TEST_CASE("a line that is too long is bad, and the next one is found") {
  Board board(Kind::kLineProtocol);
  for (int i = 0; i < 10; ++i) board.feed("x y=1 " + std::string(1000, ' '));
  CHECK(board.counts().bad == 1);
  CHECK(board.feed("\nm v=1\n") == "m v=1; ");
  CHECK(board.counts().bad == 1);
  CHECK(board.counts().bytes == 10 * 1006 + 7);
  board.feed(std::string(4090, ' ') + "m v=1\n");
  CHECK(board.heard.readings.size() == 1);
  board.feed(std::string(4092, ' ') + "m v=1\n");
  CHECK(board.heard.readings.empty());
  CHECK(board.heard.why_bad == "a line of more than 4096 bytes");
}

TEST_CASE("a message whose last line is too long takes nothing of the next one along") {
  Board board(Kind::kLineProtocol);
  CHECK(board.take_message("m v=1\n" + std::string(5000, 'x')) == "m v=1; ");
  CHECK(board.heard.why_bad == "a line of more than 4096 bytes");
  CHECK(board.take_message("m v=2\nm v=3") == "m v=2; m v=3; ");
  CHECK(board.counts().bad == 1);
}

TEST_CASE("of a line that was begun nothing is left when the port is opened anew") {
  Board board(Kind::kLineProtocol);
  board.feed("m v=1");
  board.protocol->restart();
  CHECK(board.feed("2\n").empty());
  CHECK(board.take_message("m v=1\nm v=2") == "m v=1; m v=2; ");
}

TEST_CASE("the reason is printable and short, whatever came") {
  Board board(Kind::kFrames);
  board.take_message("[{\"n\":\"a\",\"v\":1,\"\xc3\xa4" + std::string(5000, 'x') + "_\":1}]");
  CHECK(board.heard.why_bad.size() == 200);
  CHECK(board.heard.why_bad.find("SenML: record 1: ??xxx") == 0);
}

}  // namespace
}  // namespace fieldpost::test
