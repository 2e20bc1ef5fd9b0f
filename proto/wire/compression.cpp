#include <fmt/format.h>
#include <zstd.h>

#include <map>

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

/// Working memory of libzstd, kept by each thread from one call to the next: nothing in it decides
/// what comes out. To make it anew takes five times as long as a record of one reading does (each
/// time libzstd asks what the processor can do, which a virtual machine's host has to answer).
ZstdPacker& packer_of(int zstd_level) {
  thread_local std::map<int, ZstdPacker> packers;  // a thread uses one or two levels
  return packers.try_emplace(zstd_level, zstd_level).first->second;
}

ZstdUnpacker& unpacker() {
  thread_local ZstdUnpacker unpacker;
  return unpacker;
}

}  // namespace

Compressed compress(std::string_view raw, int zstd_level) {
  std::string out;
  packer_of(zstd_level).append_frame(out, raw);
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
  if (auto unpacked = unpacker().unpack(bytes, out); !unpacked) {
    return corrupt(unpacked.error().message);
  }
  return out;
}

}  // namespace fieldpost::wire
