// What a firmware sends with the device library, read by the bridge.
#include <doctest/doctest.h>
#include <fieldpost_device.h>

#include <bit>
#include <limits>
#include <string>
#include <vector>

#include "firmware-bridge/framing/device_frame.h"
#include "firmware-bridge/framing/frame_reader.h"
#include "firmware-bridge/protocols/senml.h"

namespace fieldpost::test {
namespace {

using namespace bridge;  // NOLINT: what is tested

/// What the devices of this file sent.
std::string sent;  // NOLINT: the library takes a plain function

void put(std::uint8_t byte) {
  sent += static_cast<char>(byte);
}

const fp_series kSeries[] = {{"temp", "Cel"}, {"rounds", ""}, {"door", ""}};
const fp_info kInfo = {"greenhouse-adc", "1.2.3", kSeries, 3};

struct Frame {
  FrameKind kind;
  std::uint16_t sequence;
  std::string body;
};

std::vector<Frame> frames_sent() {
  std::vector<Frame> out;
  FrameReader reader([&](std::string_view bytes) {
    const auto frame = parse_device_frame(bytes);
    REQUIRE(frame.has_value());
    CHECK(frame->version == kFrameVersion);
    out.push_back({frame->kind, frame->sequence, std::string(frame->body)});
  });
  reader.feed(sent);
  sent.clear();
  CHECK(reader.counts().bad() == 0);
  return out;
}

std::vector<SenmlReading> readings_of(const Frame& frame) {
  CHECK(frame.kind == FrameKind::kReadings);
  const auto pack = parse_senml_cbor(frame.body);
  REQUIRE_MESSAGE(pack.has_value(), pack.error().message);
  return *pack;
}

/// Ready to measure; its first frames are gone.
struct Device {
  fp_device device{};
  explicit Device(const fp_info& info = kInfo) {
    sent.clear();
    fp_begin(&device, &info, put, FP_BOOT_WATCHDOG);
  }
};

TEST_CASE("a device says who it is, why it started and what it measures") {
  const Device device;
  const auto frames = frames_sent();
  REQUIRE(frames.size() == 2);
  CHECK(frames[0].kind == FrameKind::kBoot);
  CHECK(frames[0].sequence == 0);
  const auto hello = parse_hello(frames[0].body);
  REQUIRE(hello.has_value());
  CHECK(hello->name == "greenhouse-adc");
  CHECK(hello->firmware == "1.2.3");
  CHECK(hello->boot == BootReason::kWatchdog);
  CHECK(frames[1].kind == FrameKind::kSeries);
  CHECK(frames[1].sequence == 1);
  const auto series = parse_series(frames[1].body);
  REQUIRE(series.has_value());
  CHECK(*series == DeclaredSeries{{"temp", "Cel"}, {"rounds", ""}, {"door", ""}});
}

TEST_CASE("readings arrive as they were added") {
  Device device;
  static_cast<void>(frames_sent());
  fp_add_float(&device.device, 0, 21.5F);
  fp_add_integer(&device.device, 1, -70'000);
  fp_add_bool(&device.device, 2, true);
  fp_add_bool(&device.device, 3, true);  // there is no such series
  CHECK(sent.empty());
  fp_send(&device.device);
  const auto frames = frames_sent();
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].sequence == 2);
  const auto readings = readings_of(frames[0]);
  REQUIRE(readings.size() == 3);
  CHECK(readings[0].name == "temp");
  CHECK(std::bit_cast<double>(readings[0].value.bits) == 21.5);
  CHECK(std::bit_cast<double>(readings[1].value.bits) == -70'000);
  CHECK(readings[2].name == "door");
  CHECK(readings[2].value.type == wire::ValueType::kBool);
  CHECK(readings[2].value.bits == 1);
  fp_send(&device.device);
  CHECK(frames_sent().empty());
}

TEST_CASE("a number that is not finite is passed over, and the largest ones are not") {
  Device device;
  static_cast<void>(frames_sent());
  using Limits = std::numeric_limits<float>;
  for (const float value : {Limits::quiet_NaN(), -Limits::quiet_NaN(), Limits::infinity(),
                            -Limits::infinity(), Limits::signaling_NaN()}) {
    fp_add_float(&device.device, 0, value);
  }
  fp_send(&device.device);
  CHECK(sent.empty());
  const std::vector<double> finite{Limits::max(), Limits::lowest(), Limits::denorm_min(), -0.0};
  for (const double value : finite) fp_add_float(&device.device, 0, static_cast<float>(value));
  fp_send(&device.device);
  const auto frames = frames_sent();
  REQUIRE(frames.size() == 1);
  std::vector<double> found;
  for (const SenmlReading& each : readings_of(frames[0])) {
    found.push_back(std::bit_cast<double>(each.value.bits));
  }
  CHECK(found == finite);
}

TEST_CASE("integers of every size arrive as they are") {
  Device device;
  static_cast<void>(frames_sent());
  std::vector<std::int32_t> values{std::numeric_limits<std::int32_t>::min(),
                                   std::numeric_limits<std::int32_t>::max()};
  for (int bit = 0; bit < 31; ++bit) {
    for (const std::int32_t near : {-1, 0, 1}) {
      values.push_back((1 << bit) + near);
      values.push_back(-(1 << bit) + near);
    }
  }
  for (const std::int32_t value : values) fp_add_integer(&device.device, 1, value);
  fp_send(&device.device);
  std::vector<double> found;
  std::uint16_t sequence = 2;
  const auto frames = frames_sent();
  CHECK(frames.size() > 1);  // each full one was sent
  for (const Frame& frame : frames) {
    CHECK(frame.sequence == sequence++);
    for (const SenmlReading& each : readings_of(frame)) {
      found.push_back(std::bit_cast<double>(each.value.bits));
    }
  }
  CHECK(found == std::vector<double>(values.begin(), values.end()));
}

TEST_CASE("ten series of long names go in as few frames as they fit, none cut") {
  std::vector<std::string> names;
  for (int i = 0; i < 10; ++i) names.push_back(std::string(40, 'n') + std::to_string(i));
  names.push_back(std::string(117, 'm'));
  std::vector<fp_series> series;
  for (const std::string& name : names) series.push_back({name.c_str(), "Cel"});
  const fp_info info = {"d", "1", series.data(), static_cast<std::uint8_t>(series.size())};
  Device device(info);
  DeclaredSeries declared;
  for (const Frame& frame : frames_sent()) {
    if (frame.kind != FrameKind::kSeries) continue;
    const auto some = parse_series(frame.body);
    REQUIRE(some.has_value());
    declared.insert(declared.end(), some->begin(), some->end());
  }
  REQUIRE(declared.size() == names.size());
  for (std::size_t i = 0; i < names.size(); ++i) CHECK(declared[i].first == names[i]);
  for (std::uint8_t i = 0; i < names.size(); ++i) fp_add_float(&device.device, i, i);
  fp_send(&device.device);
  std::size_t at = 0;
  for (const Frame& frame : frames_sent()) {
    for (const SenmlReading& each : readings_of(frame)) CHECK(each.name == names[at++]);
  }
  CHECK(at == names.size());
}

TEST_CASE("a device answers whoever asks, between any bytes, and sends what it had first") {
  Device device;
  static_cast<void>(frames_sent());
  fp_add_float(&device.device, 0, 1);
  const std::string question =
      make_frame(encode_device_frame(FrameKind::kQuestion, 0, std::string_view()));
  const std::string stream = "\x02\x1a\x02\x02" + question + "\x02\x1a\x01" + question;
  std::vector<Frame> frames;
  for (const char c : stream) fp_receive(&device.device, static_cast<std::uint8_t>(c));
  for (const Frame& each : frames_sent()) frames.push_back(each);
  REQUIRE(frames.size() == 5);
  CHECK(frames[0].kind == FrameKind::kReadings);
  CHECK(frames[1].kind == FrameKind::kHello);
  CHECK(frames[2].kind == FrameKind::kSeries);
  CHECK(frames[3].kind == FrameKind::kHello);
  CHECK(frames[4].sequence == 6);
}

}  // namespace
}  // namespace fieldpost::test
