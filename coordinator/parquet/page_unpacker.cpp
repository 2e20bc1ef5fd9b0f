#include "coordinator/parquet/page_unpacker.h"

#include <snappy-c.h>

#include <array>
#include <utility>

#include "proto/wire/gunzip.h"

namespace fieldpost::coordinator::parquet {
namespace {

rt::Error corrupt(const char* why) {
  return {rt::Errc::kCorrupt, why};
}

rt::Status copy_plain(std::string_view bytes, std::string& out) {
  if (bytes.size() != out.size()) return corrupt("its size differs from what was announced");
  out = bytes;
  return rt::ok();
}

rt::Status unpack_snappy(std::string_view packed, std::string& out) {
  std::size_t size = 0;
  if (snappy_uncompressed_length(packed.data(), packed.size(), &size) != SNAPPY_OK ||
      size != out.size()) {
    return corrupt("its size differs from what was announced");
  }
  if (snappy_uncompress(packed.data(), packed.size(), out.data(), &size) != SNAPPY_OK) {
    return corrupt("its Snappy data are damaged");
  }
  return rt::ok();
}

rt::Status unpack_gzip(std::string_view packed, std::string& out) {
  auto unpacked = wire::gunzip(packed, out.size());
  if (!unpacked) return corrupt("its gzip data are damaged");
  if (unpacked->size() != out.size()) return corrupt("its size differs from what was announced");
  out = *std::move(unpacked);
  return rt::ok();
}

/// By its number, as CompressionCodec of parquet.thrift has them.
rt::Error unsupported(Codec codec) {
  constexpr std::array kNames{"", "", "", "LZO", "BROTLI", "LZ4", "", "LZ4_RAW"};
  const auto number = static_cast<std::size_t>(codec);
  const std::string name = number < kNames.size() ? kNames[number] : std::to_string(number);
  return {rt::Errc::kInvalid,
          "its codec " + name +
              " is not supported; write it with zstd, for instance by DuckDB: COPY (FROM "
              "'in.parquet') TO 'out.parquet' (COMPRESSION zstd)"};
}

}  // namespace

rt::Status PageUnpacker::unpack(Codec codec, std::string_view packed, std::string& out) {
  switch (codec) {
    case Codec::kUncompressed: return copy_plain(packed, out);
    case Codec::kSnappy: return unpack_snappy(packed, out);
    case Codec::kGzip: return unpack_gzip(packed, out);
    case Codec::kZstd: return zstd_.unpack(packed, out);
  }
  return unsupported(codec);
}

}  // namespace fieldpost::coordinator::parquet
