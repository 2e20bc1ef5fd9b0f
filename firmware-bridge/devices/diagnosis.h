#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firmware-bridge/devices/device_config.h"
#include "firmware-bridge/devices/traffic.h"
#include "firmware-bridge/framing/device_frame.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"

/// What is wrong with a board, and what to do about it. Pure.
namespace fieldpost::bridge {

enum class Verdict : std::uint8_t {
  kWaiting,    ///< nothing can be said yet
  kSuspended,  ///< its port is given up for flashing
  kGood,
  kNotPluggedIn,
  kBusy,           ///< another program has the port
  kDenied,         ///< the port is not for us
  kUnreachable,    ///< nobody answers at its network address
  kPortFailed,     ///< the port cannot be used for another reason
  kSilent,         ///< nothing comes
  kNoFrames,       ///< bytes come, but nothing that is understood
  kBadChecksums,   ///< too much comes damaged
  kNotUnderstood,  ///< too much comes whole, but is not understood
  kOtherVersion,   ///< frames of another version
  kRebooting,      ///< it starts again and again
  kNoReadings,     ///< it says something, but measures nothing
  kClockWrong,     ///< its clock is not ours
};
[[nodiscard]] std::string_view to_string(Verdict verdict);  ///< "no_frames"

struct Diagnosis {
  Verdict verdict = Verdict::kWaiting;
  std::string text = "nothing can be said yet";  ///< one line: what is wrong, and what to do
};

inline constexpr rt::Nanos kBootWindow = rt::Seconds(60);
inline constexpr std::size_t kBootsOfLoop = 3;  ///< so many starts within it are too many
inline constexpr rt::Nanos kClockOffMost = rt::Seconds(1);
/// Trouble is a rate from `kMuchPct` on, with so many messages, until it is below `kLittlePct`.
inline constexpr std::uint64_t kMuchPct = 5;
inline constexpr std::uint64_t kLittlePct = 2;
inline constexpr std::uint64_t kDamagedMin = 3;
/// Silence is over with so many messages within the window: a board that is slower than the window
/// is not told each time.
inline constexpr std::uint64_t kAwakeMin = 2;
inline constexpr std::uint64_t kStrangeMin = 5;  ///< boards print a few lines when they start

struct Evidence {
  PortAddress address;
  unsigned baud = 0;
  ProtocolOptions::Kind protocol = ProtocolOptions::Kind::kFrames;
  rt::Nanos window = rt::Seconds(10);  ///< without a reading for so long something is wrong

  bool is_suspended = false;
  std::optional<rt::Error> port_error;  ///< why it is not open
  /// How long it is open, or what was heard counts; absent: it is not open.
  std::optional<rt::Nanos> open_for;
  Traffic lately;                 ///< within the window, or since it was opened
  bool is_known = false;          ///< it said who it is since it was opened
  std::vector<BootReason> boots;  ///< within kBootWindow, oldest first
  /// How far the board's clock is before ours, as heard within the window; absent too while ours is
  /// not synchronised.
  std::optional<rt::Nanos> clock_ahead;
  std::string why_bad;  ///< of the last message that was not understood

  /// What a probe found to be understood, where the configured one is not.
  unsigned fitting_baud = 0;  ///< 0: nothing
  ProtocolOptions::Kind fitting_protocol = ProtocolOptions::Kind::kFrames;

  Verdict before = Verdict::kWaiting;  ///< of the last evidence: each trouble ends below its bound
};
[[nodiscard]] Diagnosis diagnose(const Evidence& evidence);

/// As bridge.toml calls it: "line_protocol".
[[nodiscard]] std::string_view to_string(ProtocolOptions::Kind protocol);
/// "frame", "sentence" or "line".
[[nodiscard]] std::string_view message_word(ProtocolOptions::Kind protocol);

/// The verdict that stood for a while, so that one that comes and goes is not told.
class StandingDiagnosis {
 public:
  static constexpr rt::Nanos kStandsAfter = rt::Seconds(2);

  /// true: another verdict stands from now on.
  bool take(Diagnosis diagnosis, rt::Instant now);
  [[nodiscard]] const Diagnosis& standing() const { return standing_; }
  [[nodiscard]] Verdict newest() const { return newest_; }

 private:
  Diagnosis standing_;
  Verdict newest_ = Verdict::kWaiting;
  rt::Instant newest_since_;
};

}  // namespace fieldpost::bridge
