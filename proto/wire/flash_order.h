#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fieldpost::wire {

inline constexpr std::string_view kFlashVerb = "flash";
inline constexpr unsigned kFlashTimeoutMaxS = 3600;

/// What the verb `flash` wants: that the node's bridge flashes one of its boards ([cmd-7]).
struct FlashOrder {
  std::string board;        ///< as the bridge calls it
  std::string image;        ///< an Intel HEX file; empty: the one of `sha256`
  std::string sha256;       ///< hex, of an image that the bridge keeps
  std::string version;      ///< that the board tells afterwards
  unsigned timeout_s = 60;  ///< for that, from its restart
};
/// JSON, the image in base64.
[[nodiscard]] std::string encode(const FlashOrder& order);
/// nullopt: it is none, or beyond its limits.
[[nodiscard]] std::optional<FlashOrder> parse_flash_order(std::string_view arguments);

}  // namespace fieldpost::wire
