#include "firmware-bridge/framing/frame_reader.h"

#include "firmware-bridge/framing/cobs.h"
#include "firmware-bridge/framing/crc16.h"

namespace fieldpost::bridge {
namespace {

constexpr std::size_t kChecksumBytes = 2;

std::uint16_t checksum_at(std::string_view bytes) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[0]) |
                                    static_cast<unsigned char>(bytes[1]) << 8U);
}

}  // namespace

void FrameReader::feed(std::string_view bytes) {
  counts_.bytes += bytes.size();
  for (;;) {
    const std::size_t end = bytes.find('\0');
    const std::string_view piece = bytes.substr(0, end);
    overlong_ = overlong_ || partial_.size() + piece.size() > kFrameBytesMax;
    if (end == std::string_view::npos) {
      if (overlong_) {
        partial_.clear();
      } else {
        partial_ += piece;
      }
      return;
    }
    if (overlong_) {
      counts_.too_long += 1;
    } else if (partial_.empty()) {
      take(piece);
    } else {
      take(partial_ += piece);
    }
    partial_.clear();
    overlong_ = false;
    bytes.remove_prefix(end + 1);
  }
}

void FrameReader::take(std::string_view frame) {
  if (frame.empty()) return;
  if (!decode_cobs(frame, decoded_) || decoded_.size() <= kChecksumBytes) {
    counts_.bad_stuffing += 1;
    return;
  }
  const std::string_view held =
      std::string_view(decoded_).substr(0, decoded_.size() - kChecksumBytes);
  if (crc16(held) != checksum_at(std::string_view(decoded_).substr(held.size()))) {
    counts_.bad_checksum += 1;
    return;
  }
  counts_.good += 1;
  on_frame_(held);
}

std::string make_frame(std::string_view bytes) {
  const std::uint16_t crc = crc16(bytes);
  std::string whole(bytes);
  whole += static_cast<char>(crc & 0xffU);
  whole += static_cast<char>(crc >> 8U);
  return std::string(1, '\0') + encode_cobs(whole) + '\0';
}

}  // namespace fieldpost::bridge
