#pragma once

#include "firmware-bridge/protocols/line_format.h"

namespace fieldpost::bridge {

inline constexpr std::size_t kJsonFieldsMax = 64;               ///< of one object
inline constexpr std::size_t kJsonMessageBytesMax = 64 * 1024;  ///< over many lines

/// JSON objects. What is nested becomes fields whose names are joined by "_" (elements of arrays by
/// number). Numbers are doubles, since a device writes 20.0 as 20; null is nothing. A member `time`
/// that is a text of RFC 3339 is the time of the others.
class JsonLines : public LineFormat {
 public:
  rt::Result<bool> take(std::string_view line, std::int64_t arrived, LineFound& found) override;
  bool take_whole(std::string_view message, LineFound& found) override;
};

}  // namespace fieldpost::bridge
