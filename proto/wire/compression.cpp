#include <fmt/format.h>
#include <zstd.h>

#include "proto/wire/limits.h"
#include "proto/wire/readings_codec.h"
#include "proto/wire/zstd_frames.h"

namespace fieldpost::wire {
namespace {

constexpr std::uint8_t kPlain = 0;
constexpr std::uint8_t kZstd = 1;

rt::Error corrupt(std::string_view what) {
  return {rt::Errc::kCorrupt, fmt::format("decompressing a payload: {}", what)};
}

}  // namespace

Compressed compress(std::string_view raw, int zstd_level) {
  std::string out;
  ZstdPacker(zstd_level).append_frame(out, raw);
  if (out.size() >= raw.size()) return {kPlain, std::string(raw)};
  return {kZstd, std::move(out)};
}

rt::Result<std::string> decompress(std::string_view bytes, std::uint8_t codec,
                                   std::size_t raw_size) {
  if (raw_size > kRawPayloadBytesMax) return corrupt("too large");
  if (codec == kPlain) {
    if (bytes.size() != raw_size) return corrupt("size differs from what was announced");
    return std::string(bytes);
  }
  if (codec != kZstd) return corrupt("unknown codec");
  if (ZSTD_getFrameContentSize(bytes.data(), bytes.size()) != raw_size) {
    return corrupt("size differs from what was announced");
  }
  std::string out(raw_size, '\0');
  if (auto unpacked = ZstdUnpacker().unpack(bytes, out); !unpacked) {
    return corrupt(unpacked.error().message);
  }
  return out;
}

}  // namespace fieldpost::wire
