#include "firmware-bridge/framing/cobs.h"

namespace fieldpost::bridge {
namespace {

constexpr std::size_t kBlockMax = 0xff;  ///< code of a block that no zero follows

}  // namespace

bool decode_cobs(std::string_view frame, std::string& out) {
  out.clear();
  if (frame.empty()) return false;
  while (!frame.empty()) {
    const std::size_t code = static_cast<unsigned char>(frame.front());
    if (code == 0 || code > frame.size()) return false;
    const std::string_view block = frame.substr(1, code - 1);
    if (block.find('\0') != std::string_view::npos) return false;
    out += block;
    frame.remove_prefix(code);
    if (code != kBlockMax && !frame.empty()) out += '\0';
  }
  return true;
}

std::string encode_cobs(std::string_view bytes) {
  std::string out;
  for (;;) {
    const std::size_t zero = std::min(bytes.find('\0'), bytes.size());
    const std::size_t size = std::min(zero, kBlockMax - 1);
    out += static_cast<char>(size + 1);
    out += bytes.substr(0, size);
    bytes.remove_prefix(size);
    if (size == kBlockMax - 1) {
      if (bytes.empty()) return out;
      continue;  // no zero was here
    }
    if (bytes.empty()) return out;
    bytes.remove_prefix(1);
  }
}

}  // namespace fieldpost::bridge
