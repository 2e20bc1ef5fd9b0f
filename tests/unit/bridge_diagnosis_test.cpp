// What is wrong with a board follows from its own cause, and from no other.
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "firmware-bridge/devices/board_record.h"
#include "firmware-bridge/devices/diagnosis.h"

using namespace std::chrono_literals;  // NOLINT
using namespace fieldpost;             // NOLINT
using bridge::BootReason;
using bridge::Diagnosis;
using bridge::Evidence;
using bridge::StandingDiagnosis;
using bridge::Verdict;
using Kind = bridge::ProtocolOptions::Kind;

namespace {

/// Of a board at a serial port that sends ten readings a second.
Evidence good_board() {
  Evidence out;
  out.address.path = "/dev/ttyUSB0";
  out.baud = 115200;
  out.open_for = 100s;
  out.lately.counts.bytes = 4000;
  out.lately.counts.good = 100;
  out.lately.readings = 100;
  out.lately.measured = 100;
  return out;
}

std::string verdict(const Evidence& evidence) {
  return std::string(to_string(diagnose(evidence).verdict));
}

/// The verdict, and whether its text has all of the parts.
void check(const Evidence& evidence, std::string_view expected,
           std::initializer_list<std::string_view> parts) {
  const Diagnosis diagnosis = diagnose(evidence);
  CHECK(std::string(to_string(diagnosis.verdict)) == std::string(expected));
  for (const std::string_view part : parts) {
    INFO("text: ", diagnosis.text);
    INFO("part: ", std::string(part));
    CHECK(diagnosis.text.find(part) != std::string::npos);
  }
  CHECK(diagnosis.text.find('\n') == std::string::npos);
}

Evidence with_error(rt::Errc code, const std::string& message) {
  Evidence out = good_board();
  out.open_for.reset();
  out.port_error = rt::Error{code, message};
  return out;
}

Evidence with_nothing(const std::function<void(Evidence&)>& but) {
  Evidence out = good_board();
  out.lately = {};
  but(out);
  return out;
}

bridge::Heard boot(BootReason reason) {
  bridge::Heard heard;
  heard.booted = true;
  heard.hello = bridge::Hello{"uno", "1.0", reason};
  return heard;
}

Diagnosis of(Verdict verdict) {
  return {verdict, std::string(to_string(verdict))};
}

}  // namespace

TEST_CASE("a board that measures and is understood is good") {
  CHECK(verdict(good_board()) == "good");
  Evidence fresh = good_board();
  fresh.open_for = 100ms;
  CHECK(verdict(fresh) == "good");
}

TEST_CASE("before a board had time to say something nothing is said of it") {
  Evidence opening = with_nothing([](Evidence& e) { e.open_for.reset(); });
  CHECK(verdict(opening) == "waiting");
  for (const std::uint64_t bytes : {0U, 50U}) {
    Evidence fresh = with_nothing([&](Evidence& e) { e.lately.counts.bytes = bytes; });
    fresh.open_for = 9999ms;
    CHECK(verdict(fresh) == "waiting");
    fresh.open_for = 10s;
    CHECK(verdict(fresh) == (bytes == 0 ? "silent" : "no_frames"));
  }
}

TEST_CASE("a port that cannot be opened tells why and what to do") {
  check(with_error(rt::Errc::kNotFound, "no /dev/ttyUSB0"), "not_plugged_in",
        {"plug it in", "no /dev/ttyUSB0"});
  check(with_error(rt::Errc::kBusy, "minicom (pid 7) has it"), "busy",
        {"end what uses it", "minicom (pid 7)"});
  check(with_error(rt::Errc::kDenied, "usermod -aG dialout fieldpost"), "denied",
        {"no permission", "usermod -aG dialout"});
  check(with_error(rt::Errc::kIo, "input/output error"), "port_failed",
        {"plug and cable", "input/output error"});
  check(with_error(rt::Errc::kInvalid, "two boards are alike"), "port_failed",
        {"two boards are alike"});
  Evidence server = with_error(rt::Errc::kUnavailable, "connection refused");
  server.address = {};
  server.address.kind = bridge::PortAddress::Kind::kTcp;
  check(server, "unreachable", {"start what should listen", "connection refused"});
}

TEST_CASE("a port that is given up for flashing is not called a fault") {
  Evidence flashing = with_error(rt::Errc::kBusy, "avrdude has it");
  flashing.is_suspended = true;
  CHECK(verdict(flashing) == "suspended");
}

TEST_CASE("silence has advice for each kind of port") {
  using PortKind = bridge::PortAddress::Kind;
  const auto silent_at = [](PortKind kind) {
    return with_nothing([&](Evidence& e) { e.address.kind = kind; });
  };
  check(silent_at(PortKind::kSerial), "silent", {"10 s", "TX", "firmware"});
  check(silent_at(PortKind::kTcp), "silent", {"serial server"});
  check(silent_at(PortKind::kUdp), "silent", {"on the network"});
}

TEST_CASE("bytes that are no frame point to baud rate and protocol") {
  Evidence evidence = with_nothing([](Evidence& e) {
    e.lately.counts.bytes = 812;
    e.lately.counts.bad = 20;
    e.lately.counts.bad_checksum = 5;
    e.why_bad = "bytes that are no frame";
  });
  check(evidence, "no_frames",
        {"812 bytes", "but no frame", "protocol = \"frames\" and baud = 115200", "probe",
         "bytes that are no frame"});
  evidence.fitting_baud = 9600;
  evidence.fitting_protocol = Kind::kNmea;
  check(evidence, "no_frames", {"set protocol = \"nmea\" and baud = 9600"});
  evidence.protocol = Kind::kJson;
  evidence.address.kind = bridge::PortAddress::Kind::kTcp;
  check(evidence, "no_frames", {"but no line", "set protocol = \"nmea\", by which"});
}

TEST_CASE("damaged frames are told with their rate") {
  Evidence evidence = good_board();
  evidence.lately.counts.good = 88;
  evidence.lately.counts.bad_checksum = 12;
  check(evidence, "bad_checksums", {"12 % of the frames", "cable"});
  evidence.lately = {};
  evidence.lately.counts.bytes = 1000;
  evidence.lately.counts.bad_checksum = 30;
  evidence.protocol = Kind::kNmea;
  check(evidence, "bad_checksums", {"100 % of the sentences"});
}

TEST_CASE("a few damaged frames are no trouble, and trouble ends only when it is gone") {
  Evidence evidence = good_board();
  evidence.lately.counts.bad_checksum = 2;
  evidence.lately.counts.good = 3;
  CHECK(verdict(evidence) == "good");
  evidence.lately.counts.bad_checksum = 4;
  evidence.lately.counts.good = 96;
  CHECK(verdict(evidence) == "good");
  evidence.before = Verdict::kBadChecksums;
  CHECK(verdict(evidence) == "bad_checksums");
  evidence.lately.counts.bad_checksum = 1;
  CHECK(verdict(evidence) == "good");
}

TEST_CASE("lines that are not understood are told with the reason of the last one") {
  Evidence evidence = good_board();
  evidence.protocol = Kind::kJson;
  evidence.lately.counts.bad = 25;
  evidence.why_bad = "JSON: expected an object";
  check(evidence, "not_understood", {"20 % of the lines", "JSON: expected an object"});
  evidence.lately.counts.bad = 4;
  CHECK(verdict(evidence) == "good");
  evidence.before = Verdict::kNotUnderstood;
  CHECK(verdict(evidence) == "not_understood");
}

TEST_CASE("a board of another frame version is told so, whether its frames count as good or not") {
  for (const std::uint64_t good : {0U, 3U}) {
    const Evidence evidence = with_nothing([&](Evidence& e) {
      e.lately.counts.bytes = 100;
      e.lately.counts.good = good;
      e.lately.counts.other_version = 3;
    });
    check(evidence, "other_version", {"another version than ours (1)", "update the bridge"});
  }
  Evidence one_false_frame = good_board();
  one_false_frame.lately.counts.other_version = 1;
  CHECK(verdict(one_false_frame) == "good");
}

TEST_CASE("three starts within a minute are a loop, with advice by their reasons") {
  Evidence evidence = good_board();
  evidence.boots = {BootReason::kPower, BootReason::kBrownOut};
  CHECK(verdict(evidence) == "good");
  evidence.boots.push_back(BootReason::kBrownOut);
  check(evidence, "rebooting",
        {"started 3 times within 60 s", "power, brown_out, brown_out", "power supply and cable"});
  evidence.boots = {BootReason::kWatchdog, BootReason::kWatchdog, BootReason::kPower};
  check(evidence, "rebooting", {"firmware hangs"});
  evidence.boots = {BootReason::kResetPin, BootReason::kResetPin, BootReason::kResetPin};
  check(evidence, "rebooting", {"reset pin, DTR"});
  evidence.boots = {BootReason::kUnknown, BootReason::kUnknown, BootReason::kUnknown};
  check(evidence, "rebooting", {"power supply, its reset pin and its firmware"});
}

TEST_CASE("a board that answers but measures nothing is told so") {
  Evidence evidence = with_nothing([](Evidence& e) {
    e.lately.counts.bytes = 60;
    e.lately.counts.good = 2;
  });
  check(evidence, "no_readings", {"it answers, but measures nothing for 10 s", "sensors"});
  evidence.lately.counts.undeclared = 7;
  evidence.is_known = true;
  check(evidence, "no_readings", {"all of its 7 readings", "did not declare"});
  evidence.open_for = 5s;
  CHECK(verdict(evidence) == "waiting");
}

TEST_CASE("a board that does not hear the question is not blamed for its series") {
  Evidence evidence = with_nothing([](Evidence& e) {
    e.lately.counts.bytes = 60;
    e.lately.counts.good = 7;
    e.lately.counts.undeclared = 7;
  });
  check(evidence, "no_readings",
        {"sends 7 readings", "does not answer our question", "our TX is at its RX", "restart"});
  CHECK(diagnose(evidence).text.find("mend its firmware") == std::string::npos);
}

TEST_CASE("who a board is counts as known from its hello until the port is opened anew") {
  bridge::BoardRecord record(10s);
  Evidence evidence;
  record.tell(rt::Instant{0s}, true, evidence);
  CHECK_FALSE(evidence.is_known);
  record.take(boot(BootReason::kPower), {}, rt::Instant{1s}, rt::UnixTime{});
  record.restart(rt::Instant{2s});
  record.tell(rt::Instant{2s}, true, evidence);
  CHECK(evidence.is_known);
  record.meet_anew();
  record.tell(rt::Instant{3s}, true, evidence);
  CHECK_FALSE(evidence.is_known);
  CHECK(record.hello().has_value());
}

TEST_CASE("a board that was quiet is awake with its second message within the window") {
  Evidence evidence = good_board();
  evidence.lately.measured = 1;
  CHECK(verdict(evidence) == "good");
  evidence.before = Verdict::kSilent;
  check(evidence, "silent", {"hardly anything received for 10 s", "`silent_after`"});
  evidence.before = Verdict::kNoReadings;
  check(evidence, "no_readings", {"measures hardly anything for 10 s", "`silent_after`"});
  evidence.lately.measured = 2;
  CHECK(verdict(evidence) == "good");
}

TEST_CASE("a clock that is more than a second off is told, before or behind") {
  Evidence evidence = good_board();
  evidence.clock_ahead = 1s;
  CHECK(verdict(evidence) == "good");
  evidence.clock_ahead = 3200ms;
  check(evidence, "clock_wrong", {"3.2 s before ours", "time servers"});
  evidence.clock_ahead = -18s;
  check(evidence, "clock_wrong", {"18.0 s behind ours"});
}

TEST_CASE("every verdict has a name of its own") {
  std::set<std::string_view> names;
  const auto last = static_cast<int>(Verdict::kClockWrong);
  for (int i = 0; i <= last; ++i) names.insert(to_string(static_cast<Verdict>(i)));
  CHECK(names.size() == static_cast<std::size_t>(last + 1));
}

TEST_CASE("a verdict stands when it held for two seconds, and one that flickers never does") {
  StandingDiagnosis diagnosis;
  const rt::Instant begin{100s};
  CHECK_FALSE(diagnosis.take(of(Verdict::kGood), begin));
  CHECK_FALSE(diagnosis.take(of(Verdict::kGood), begin + 1999ms));
  CHECK(diagnosis.standing().verdict == Verdict::kWaiting);
  CHECK(diagnosis.take(of(Verdict::kGood), begin + 2s));
  CHECK_FALSE(diagnosis.take(of(Verdict::kGood), begin + 3s));
  for (int i = 0; i < 100; ++i) {
    const rt::Instant at = begin + 4s + 3s * i;
    CHECK_FALSE(diagnosis.take(of(Verdict::kSilent), at));
    CHECK_FALSE(diagnosis.take(of(Verdict::kSilent), at + 1900ms));
    CHECK_FALSE(diagnosis.take(of(Verdict::kGood), at + 2s));
  }
  CHECK(diagnosis.standing().verdict == Verdict::kGood);
}

TEST_CASE("the text of a standing verdict is the newest one") {
  StandingDiagnosis diagnosis;
  diagnosis.take({Verdict::kBadChecksums, "5 %"}, rt::Instant{0s});
  CHECK(diagnosis.take({Verdict::kBadChecksums, "6 %"}, rt::Instant{2s}));
  CHECK_FALSE(diagnosis.take({Verdict::kBadChecksums, "9 %"}, rt::Instant{3s}));
  CHECK(diagnosis.standing().text == "9 %");
}

TEST_CASE("what came lately is what came within the window, or since the port was opened") {
  bridge::RecentTraffic recent(10s);
  bridge::Traffic total;
  recent.restart(rt::Instant{0s}, total);
  for (int second = 1; second <= 100; ++second) {
    total.counts.good += 5;
    total.readings += 2;
    recent.mark(rt::Instant{second * 1s}, total);
    CHECK(recent.marks() <= bridge::RecentTraffic::kMarksMax);
    if (second <= 10) CHECK(recent.until(total).counts.good == total.counts.good);
  }
  CHECK(recent.until(total).counts.good == 50);
  CHECK(recent.until(total).readings == 20);
  recent.restart(rt::Instant{101s}, total);
  CHECK(recent.until(total).counts.good == 0);
}

TEST_CASE("starts are forgotten after a minute, and few are kept of a storm of them") {
  bridge::BoardRecord record(10s);
  Evidence evidence;
  for (int i = 0; i < 1000; ++i) {
    record.take(boot(BootReason::kWatchdog), {}, rt::Instant{1ms * i}, rt::UnixTime{});
  }
  CHECK(record.boots() == 1000);
  CHECK(record.kept() <= bridge::BoardRecord::kBootsKeptMax);
  record.tell(rt::Instant{60s}, true, evidence);
  CHECK(evidence.boots.size() == bridge::BoardRecord::kBootsKeptMax);
  record.tell(rt::Instant{61s}, true, evidence);
  CHECK(evidence.boots.empty());
  record.take(boot(BootReason::kPower), {}, rt::Instant{70s}, rt::UnixTime{});
  record.forget_boots();
  record.tell(rt::Instant{71s}, true, evidence);
  CHECK(evidence.boots.empty());
}

TEST_CASE("a board's clock counts while it is fresh and ours is synchronised") {
  bridge::BoardRecord record(10s);
  Evidence evidence;
  bridge::Heard heard;
  heard.clock = 5'000'000'000;
  record.take(heard, {}, rt::Instant{100s}, rt::UnixTime{2'000'000'000});
  record.tell(rt::Instant{110s}, true, evidence);
  REQUIRE(evidence.clock_ahead);
  CHECK(*evidence.clock_ahead == 3s);
  record.tell(rt::Instant{110s}, false, evidence);
  CHECK_FALSE(evidence.clock_ahead);
  record.tell(rt::Instant{111s}, true, evidence);
  CHECK_FALSE(evidence.clock_ahead);
}
