#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "proto/rt/result.h"
#include "proto/wire/sha256.h"

namespace fieldpost::bridge {

/// What erased flash reads as. An image that says nothing of a byte means this one.
inline constexpr std::uint8_t kErased = 0xff;

/// The bytes of a firmware and where in flash they lie, at addresses below `kBytesMax`.
class FlashImage {
 public:
  static constexpr std::uint32_t kBytesMax = 256 * 1024;  ///< the largest AVR has as much

  /// kInvalid: some of it is above `kBytesMax` or there already; nothing is put then.
  rt::Status put(std::uint32_t address, std::string_view bytes);

  /// Bytes by the address of the first, ascending; none is empty, none touches the next.
  [[nodiscard]] const std::map<std::uint32_t, std::string>& ranges() const { return ranges_; }
  [[nodiscard]] std::uint32_t size() const;  ///< bytes in all ranges
  [[nodiscard]] std::uint32_t end() const;   ///< behind the last byte; 0: there is none
  [[nodiscard]] std::uint8_t at(std::uint32_t address) const;
  [[nodiscard]] bool has(std::uint32_t address) const;
  /// Whether it says of no byte that it is not erased.
  [[nodiscard]] bool is_blank() const;
  /// All bytes from address 0, up to the last that is not erased: what a board's flash holds then,
  /// however a file cut it into records.
  [[nodiscard]] std::string flat() const;
  [[nodiscard]] wire::Sha256Digest sha256() const;  ///< of `flat`

  /// What lies below `end`.
  [[nodiscard]] FlashImage below(std::uint32_t end) const;
  /// The page that begins there, whole.
  [[nodiscard]] std::string page(std::uint32_t begin, std::uint32_t page_bytes) const;

 private:
  std::map<std::uint32_t, std::string> ranges_;
};

/// The lowest address that `wanted` has and where `found` has another byte.
[[nodiscard]] std::optional<std::uint32_t> first_difference(const FlashImage& wanted,
                                                            const FlashImage& found);

/// What has to be written so that flash which holds `from` holds `to`: the pages that `to` touches
/// and that are not so already, whole. Pages that `to` does not touch stay.
[[nodiscard]] FlashImage pages_to_write(const FlashImage& to, const FlashImage& from,
                                        std::uint32_t page_bytes);
/// The pages that `pages` touches as they are in `image`, whole: what takes the writing of `pages`
/// back.
[[nodiscard]] FlashImage same_pages(const FlashImage& pages, const FlashImage& image,
                                    std::uint32_t page_bytes);

/// A file in Intel's format (revision A, 1988), record types 00 to 05. kInvalid names the line.
/// Start addresses (types 03 and 05) say nothing to an AVR and are passed over.
rt::Result<FlashImage> parse_intel_hex(std::string_view text);
inline constexpr std::size_t kHexBytesMax = 1 << 20;  ///< of a file: 256 KiB have some 740,000

/// Sixteen bytes a record; what was parsed from it is the same image.
[[nodiscard]] std::string format_intel_hex(const FlashImage& image);

}  // namespace fieldpost::bridge
