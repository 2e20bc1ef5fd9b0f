#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "proto/rt/result.h"
#include "proto/wire/limits.h"
#include "proto/wire/readings.h"

namespace fieldpost::mapping {

/// A message as a source got it. Lives as long as what it points to.
struct Message {
  std::string_view topic;    ///< empty: it is lines of a file or a program
  std::string_view payload;  ///< any bytes
  bool retained = false;     ///< arrived long after it was published
};

/// The same on its own.
struct RawMessage {
  std::string topic;
  std::string payload;
  bool retained = false;
  bool operator==(const RawMessage&) const = default;
  [[nodiscard]] Message view() const { return {topic, payload, retained}; }
};

/// Messages that are kept raw are readings of the source's raw series: their text is this. First a
/// line of JSON, `{"topic":"…","retained":true,"base64":true}`, each member only where it says
/// something, then the payload: as it came, or, where that is not UTF-8, in base64 (RFC 4648,
/// section 4). nullopt: it would be over kRawTextBytesMax.
[[nodiscard]] std::optional<std::string> encode_raw(const Message& message);
/// kInvalid: not what encode_raw makes.
rt::Result<RawMessage> decode_raw(std::string_view text);

inline constexpr std::size_t kRawTextBytesMax = wire::kStringValueBytesMax;
/// Lines are kept in blocks of this size at most, which fit with their head (16 bytes) in base64,
/// too; a longer line is a block of its own.
inline constexpr std::size_t kRawBlockBytesMax = (kRawTextBytesMax - 16) / 4 * 3;

using wire::kRawMeasurement;
inline constexpr std::string_view kRawField = "message";
inline constexpr std::string_view kRulesMeasurement = "fieldpost_rules";
inline constexpr std::string_view kRulesField = "text";
/// Tags of both: who got the message, and the rules by which it became readings then (rules.h).
inline constexpr std::string_view kSourceTag = "source";
inline constexpr std::string_view kRulesTag = "rules";

}  // namespace fieldpost::mapping
