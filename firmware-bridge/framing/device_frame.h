#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/rt/result.h"

/// What a device's frame says (README.md, "The frame").
namespace fieldpost::bridge {

inline constexpr std::uint8_t kFrameVersion = 1;

enum class FrameKind : std::uint8_t {
  kBoot = 0,          ///< the device has started; else like kHello
  kHello = 1,         ///< who it is; the answer to kQuestion
  kSeries = 2,        ///< what it measures
  kReadings = 3,      ///< SenML-CBOR
  kReadingsJson = 4,  ///< SenML-JSON
  kQuestion = 10,     ///< to the device: who is there?
};

/// A frame's head and what follows it, which lives where the frame does.
struct DeviceFrame {
  std::uint8_t version = 0;
  FrameKind kind = FrameKind::kBoot;
  std::uint16_t sequence = 0;
  std::string_view body;
};
/// kInvalid: too short, or of a kind that there is not (of this version; of another one the kind is
/// not looked at).
rt::Result<DeviceFrame> parse_device_frame(std::string_view frame);
/// Of a frame of this version, whatever its kind; nullopt: too short.
[[nodiscard]] std::optional<std::uint16_t> sequence_in(std::string_view frame);
[[nodiscard]] std::string encode_device_frame(FrameKind kind, std::uint16_t sequence,
                                              std::string_view body);

enum class BootReason : std::uint8_t {
  kUnknown = 0,
  kPower = 1,
  kResetPin = 2,
  kBrownOut = 3,
  kWatchdog = 4,
  kSoftware = 5
};
[[nodiscard]] std::string_view to_string(BootReason reason);

struct Hello {
  std::string name, firmware;
  BootReason boot = BootReason::kUnknown;
};
/// Body of kBoot and kHello.
rt::Result<Hello> parse_hello(std::string_view body);

/// Names and units, in the device's order.
using DeclaredSeries = std::vector<std::pair<std::string, std::string>>;
/// Body of kSeries.
rt::Result<DeclaredSeries> parse_series(std::string_view body);

}  // namespace fieldpost::bridge
