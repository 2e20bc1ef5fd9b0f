#include "firmware-bridge/devices/diagnosis.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace fieldpost::bridge {
namespace {

using rt::Errc;
using Kind = ProtocolOptions::Kind;

double seconds(rt::Nanos span) {
  return std::chrono::duration<double>(span).count();
}

double percent(std::uint64_t part, std::uint64_t of) {
  return 100 * static_cast<double>(part) / static_cast<double>(of);
}

bool is_much(std::uint64_t part, std::uint64_t of, std::uint64_t least, bool was_much) {
  if (was_much) return part > 0 && part * 100 >= of * kLittlePct;
  return part >= least && part * 100 >= of * kMuchPct;
}

std::string in_brackets(std::string_view text) {
  return text.empty() ? "" : fmt::format(" ({})", text);
}

Diagnosis of_port(const Evidence& e) {
  const std::string& message = e.port_error->message;
  switch (e.port_error->code) {
    case Errc::kNotFound:
      return {Verdict::kNotPluggedIn,
              fmt::format("not plugged in: plug it in, or mend `port` ({})", message)};
    case Errc::kBusy:
      return {Verdict::kBusy, fmt::format("port is busy: end what uses it ({})", message)};
    case Errc::kDenied: return {Verdict::kDenied, fmt::format("no permission: {}", message)};
    case Errc::kUnavailable:
      return {Verdict::kUnreachable,
              fmt::format("nobody answers: start what should listen at {}, or mend `port` ({})",
                          e.address.text(), message)};
    case Errc::kInvalid:
    case Errc::kFull:
    case Errc::kCorrupt:
    case Errc::kIo: break;
  }
  const std::string_view advice = e.address.is_serial()
                                      ? "check its plug and cable, `port`, `baud` and `framing`"
                                      : "check the other side, and `port`";
  return {Verdict::kPortFailed, fmt::format("port fails: {} ({})", advice, message)};
}

std::string_view advice_for(const std::vector<BootReason>& boots) {
  const auto count = [&](BootReason reason) { return std::ranges::count(boots, reason); };
  const auto power = count(BootReason::kPower) + count(BootReason::kBrownOut);
  const auto firmware = count(BootReason::kWatchdog) + count(BootReason::kSoftware);
  const auto pin = count(BootReason::kResetPin);
  if (power > firmware && power > pin) return "check its power supply and cable";
  if (firmware > power && firmware > pin) return "its firmware hangs or gives up: see to that";
  if (pin > power && pin > firmware) return "check what pulls its reset pin, DTR among that";
  return "check its power supply, its reset pin and its firmware";
}

Diagnosis rebooting(const Evidence& e) {
  std::string reasons;
  for (const BootReason each : e.boots) {
    reasons += fmt::format("{}{}", reasons.empty() ? "" : ", ", to_string(each));
  }
  return {Verdict::kRebooting,
          fmt::format("started {} times within {:g} s ({}): {}", e.boots.size(),
                      seconds(kBootWindow), reasons, advice_for(e.boots))};
}

/// At a wrong baud rate hardly anything looks whole.
bool is_damaged(const Evidence& e) {
  constexpr std::uint64_t kWholeToBroken = 4;
  const ProtocolCounts& c = e.lately.counts;
  if (c.good == 0 && c.bad_checksum <= kWholeToBroken * c.bad) return false;
  return is_much(c.bad_checksum, c.good + c.bad_checksum, kDamagedMin,
                 e.before == Verdict::kBadChecksums);
}

Diagnosis bad_checksums(const Evidence& e) {
  const ProtocolCounts& c = e.lately.counts;
  const std::string_view advice =
      e.address.is_serial()
          ? "check cable, ground and plug, and that both sides' baud rates are near enough"
          : "check the line between board and network";
  return {Verdict::kBadChecksums,
          fmt::format("{:.0f} % of the {}s have a bad checksum: {}",
                      std::ceil(percent(c.bad_checksum, c.good + c.bad_checksum)),
                      message_word(e.protocol), advice)};
}

bool is_strange(const Evidence& e) {
  const ProtocolCounts& c = e.lately.counts;
  return c.good > 0 && is_much(c.bad, c.good + c.bad + c.bad_checksum, kStrangeMin,
                               e.before == Verdict::kNotUnderstood);
}

Diagnosis not_understood(const Evidence& e) {
  const ProtocolCounts& c = e.lately.counts;
  return {Verdict::kNotUnderstood,
          fmt::format("{:.0f} % of the {}s are not understood: check what else its firmware "
                      "prints, and the cable{}",
                      std::ceil(percent(c.bad, c.good + c.bad + c.bad_checksum)),
                      message_word(e.protocol), in_brackets(e.why_bad))};
}

std::string_view how_little(const Evidence& e) {
  return e.lately.readings == 0 ? "nothing" : "hardly anything";
}

Diagnosis silent(const Evidence& e) {
  std::string advice;
  if (e.address.is_listened_at()) {
    advice =
        fmt::format("check that it runs, is on the network, and sends to {}", e.address.text());
  } else if (e.address.is_serial()) {
    advice = "check its power, that its TX is at our RX and ground at ground, and its firmware";
  } else {
    advice = "check its power, and its line to the serial server";
  }
  return {Verdict::kSilent,
          fmt::format("{} received for {:g} s: {}, or set `silent_after` above its interval",
                      how_little(e), seconds(e.window), advice)};
}

std::string settings(const Evidence& e, unsigned baud, Kind protocol) {
  const std::string kind(to_string(protocol));
  return e.address.is_serial() ? fmt::format("protocol = \"{}\" and baud = {}", kind, baud)
                               : fmt::format("protocol = \"{}\"", kind);
}

Diagnosis no_frames(const Evidence& e) {
  const std::string what = fmt::format("{} bytes in {:g} s, but no {}", e.lately.counts.bytes,
                                       seconds(e.window), message_word(e.protocol));
  if (e.fitting_baud != 0) {
    return {Verdict::kNoFrames, fmt::format("{}: set {}, by which it is understood", what,
                                            settings(e, e.fitting_baud, e.fitting_protocol))};
  }
  return {Verdict::kNoFrames,
          fmt::format("{}: {} is probably wrong, fieldpost-bridge probe tries others{}", what,
                      settings(e, e.baud, e.protocol), in_brackets(e.why_bad))};
}

Diagnosis no_readings(const Evidence& e) {
  const ProtocolCounts& c = e.lately.counts;
  if (c.undeclared > 0 && e.lately.readings == 0 && !e.is_known) {
    return {Verdict::kNoReadings,
            fmt::format("it sends {} readings, but did not say what they are, and does not answer "
                        "our question: check that our TX is at its RX and that its firmware reads "
                        "it, or restart the board, then it says so by itself",
                        c.undeclared)};
  }
  if (c.undeclared > 0 && e.lately.readings == 0) {
    return {Verdict::kNoReadings,
            fmt::format("it answers, but all of its {} readings are of series that it did not "
                        "declare: mend its firmware's series",
                        c.undeclared)};
  }
  return {Verdict::kNoReadings,
          fmt::format("it answers, but measures {} for {:g} s: check its sensors and its firmware, "
                      "or set `silent_after` above its interval",
                      how_little(e), seconds(e.window))};
}

Diagnosis without_readings(const Evidence& e) {
  if (*e.open_for < e.window) return {};
  const ProtocolCounts& c = e.lately.counts;
  if (c.bytes == 0 && c.good == 0) return silent(e);
  return c.good == 0 ? no_frames(e) : no_readings(e);
}

bool is_hardly_awake(const Evidence& e) {
  const bool was_quiet = e.before == Verdict::kSilent || e.before == Verdict::kNoReadings;
  return was_quiet && e.lately.measured > 0 && e.lately.measured < kAwakeMin;
}

bool is_other_version(const Evidence& e) {
  const ProtocolCounts& c = e.lately.counts;
  return e.lately.readings == 0 && c.other_version > 0 && c.other_version * 2 > c.good;
}

Diagnosis clock_wrong(rt::Nanos ahead) {
  return {Verdict::kClockWrong,
          fmt::format("its clock is {:.1f} s {} ours, which is synchronised: give a receiver that "
                      "has just started a quarter of an hour, else check our time servers",
                      std::abs(seconds(ahead)), ahead > rt::Nanos{0} ? "before" : "behind")};
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kWaiting: return "waiting";
    case Verdict::kSuspended: return "suspended";
    case Verdict::kGood: return "good";
    case Verdict::kNotPluggedIn: return "not_plugged_in";
    case Verdict::kBusy: return "busy";
    case Verdict::kDenied: return "denied";
    case Verdict::kUnreachable: return "unreachable";
    case Verdict::kPortFailed: return "port_failed";
    case Verdict::kSilent: return "silent";
    case Verdict::kNoFrames: return "no_frames";
    case Verdict::kBadChecksums: return "bad_checksums";
    case Verdict::kNotUnderstood: return "not_understood";
    case Verdict::kOtherVersion: return "other_version";
    case Verdict::kRebooting: return "rebooting";
    case Verdict::kNoReadings: return "no_readings";
    case Verdict::kClockWrong: return "clock_wrong";
  }
  return "waiting";
}

std::string_view to_string(ProtocolOptions::Kind protocol) {
  switch (protocol) {
    case Kind::kFrames: return "frames";
    case Kind::kLineProtocol: return "line_protocol";
    case Kind::kJson: return "json";
    case Kind::kNmea: return "nmea";
    case Kind::kPattern: return "pattern";
    case Kind::kModbus: return "modbus";
  }
  return "frames";
}

std::string_view message_word(ProtocolOptions::Kind protocol) {
  if (protocol == Kind::kNmea) return "sentence";
  return protocol == Kind::kFrames || protocol == Kind::kModbus ? "frame" : "line";
}

Diagnosis diagnose(const Evidence& evidence) {
  const Evidence& e = evidence;
  if (e.is_suspended) return {Verdict::kSuspended, "its port is given up for flashing"};
  if (e.port_error) return of_port(e);
  if (!e.open_for) return {};
  if (e.boots.size() >= kBootsOfLoop) return rebooting(e);
  if (is_other_version(e)) {
    return {Verdict::kOtherVersion,
            fmt::format("its frames are of another version than ours ({}): build its firmware "
                        "with the fieldpost_device.c of this bridge, or update the bridge",
                        kFrameVersion)};
  }
  if (is_damaged(e)) return bad_checksums(e);
  if (is_strange(e)) return not_understood(e);
  if (is_hardly_awake(e)) return e.before == Verdict::kSilent ? silent(e) : no_readings(e);
  if (e.lately.readings == 0) return without_readings(e);
  if (e.clock_ahead && std::chrono::abs(*e.clock_ahead) > kClockOffMost) {
    return clock_wrong(*e.clock_ahead);
  }
  return {Verdict::kGood, "good"};
}

bool StandingDiagnosis::take(Diagnosis diagnosis, rt::Instant now) {
  if (diagnosis.verdict != newest_) {
    newest_ = diagnosis.verdict;
    newest_since_ = now;
  }
  if (diagnosis.verdict == standing_.verdict) {
    standing_ = std::move(diagnosis);
    return false;
  }
  if (now - newest_since_ < kStandsAfter) return false;
  standing_ = std::move(diagnosis);
  return true;
}

}  // namespace fieldpost::bridge
