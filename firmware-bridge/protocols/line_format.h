#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "firmware-bridge/protocols/protocol.h"
#include "proto/rt/result.h"

namespace fieldpost::bridge {

/// What one line says.
struct LineFound {
  std::vector<Measured> readings;
  std::optional<std::int64_t> clock;  ///< as in Heard
  bool has_debris = false;            ///< in front of it stood something that is none
};

/// What stands in the lines of a board.
class LineFormat {
 public:
  virtual ~LineFormat() = default;
  /// A line without its end, not empty. false: it is a good one, and says nothing that counts.
  /// kCorrupt: whole, but damaged; kInvalid: it is none. On failure only `has_debris` counts.
  virtual rt::Result<bool> take(std::string_view line, std::int64_t arrived, LineFound& found) = 0;
  /// Takes a message as one, line breaks and all. false: it is lines.
  virtual bool take_whole(std::string_view message, LineFound& found) {
    static_cast<void>(message);
    static_cast<void>(found);
    return false;
  }
  /// The port was opened anew.
  virtual void restart() {}
};

/// UTF-8 without control characters but tabs: where there are no checksums, this keeps out noise.
[[nodiscard]] bool is_plain_text(std::string_view line);

}  // namespace fieldpost::bridge
