#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace fieldpost::bridge {

inline constexpr std::size_t kFrameBytesMax = 4096;  ///< of a frame as it comes, without its zero

/// What was found in a stream of bytes. Noise is bytes that lie in no good frame.
struct FrameCounts {
  std::uint64_t bytes = 0;
  std::uint64_t good = 0;
  std::uint64_t bad_stuffing = 0;  ///< between two zeros stood no COBS
  std::uint64_t bad_checksum = 0;
  std::uint64_t too_long = 0;
  [[nodiscard]] std::uint64_t bad() const { return bad_stuffing + bad_checksum + too_long; }
};

/// Finds the frames in a stream of bytes: COBS, with a CRC-16 (little-endian) behind what it holds.
/// Whatever comes, the first good frame after a zero is found.
class FrameReader {
 public:
  /// `frame`: what it holds, without the checksum, at least one byte; lives as long as the call.
  using OnFrame = std::function<void(std::string_view frame)>;
  explicit FrameReader(OnFrame on_frame) : on_frame_(std::move(on_frame)) {}

  void feed(std::string_view bytes);
  [[nodiscard]] const FrameCounts& counts() const { return counts_; }

 private:
  void take(std::string_view frame);

  OnFrame on_frame_;
  FrameCounts counts_;
  std::string partial_;
  bool overlong_ = false;  ///< the frame that has begun is too long
  std::string decoded_;
};

/// What goes over the wire for a frame: with the checksum, and a zero before and behind it.
[[nodiscard]] std::string make_frame(std::string_view bytes);

}  // namespace fieldpost::bridge
