#include "proto/delta/zstd_stream.h"

#include <fmt/format.h>
#include <zstd.h>

namespace fieldpost::delta {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Status;

namespace {

constexpr int kWindowLog = 21;
/// What is literal in a delta is worth some time: it goes over the uplink.
constexpr int kLevel = 6;
constexpr std::size_t kOutBytes = 64 * 1024;

void set(ZSTD_CCtx_s* context, ZSTD_cParameter parameter, int value) {
  FP_CHECK(ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)) == 0);
}

}  // namespace

void ZstdStreamWriter::Free::operator()(ZSTD_CCtx_s* context) const {
  ZSTD_freeCCtx(context);
}

ZstdStreamWriter::ZstdStreamWriter() : context_(ZSTD_createCCtx()) {
  FP_CHECK(context_ != nullptr);
  set(context_.get(), ZSTD_c_compressionLevel, kLevel);
  set(context_.get(), ZSTD_c_windowLog, kWindowLog);
}

void ZstdStreamWriter::add(std::string_view raw, bool is_last, std::string& out) {
  ZSTD_inBuffer in{raw.data(), raw.size(), 0};
  for (;;) {
    const std::size_t had = out.size();
    out.resize(had + kOutBytes);
    ZSTD_outBuffer made{out.data() + had, kOutBytes, 0};
    const std::size_t left =
        ZSTD_compressStream2(context_.get(), &made, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);
    FP_CHECK(ZSTD_isError(left) == 0);  // only for want of memory
    out.resize(had + made.pos);
    if (is_last ? left == 0 : in.pos == in.size) return;
  }
}

void ZstdStreamReader::Free::operator()(ZSTD_DCtx_s* context) const {
  ZSTD_freeDCtx(context);
}

ZstdStreamReader::ZstdStreamReader() : context_(ZSTD_createDCtx()) {
  FP_CHECK(context_ != nullptr);
  FP_CHECK(ZSTD_isError(ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kWindowLog)) ==
           0);
}

Status ZstdStreamReader::read(std::string_view& packed, std::size_t most, std::string& out) {
  if (is_whole_ && packed.empty()) return ok();
  if (is_whole_) {
    return Error{Errc::kInvalid,
                 fmt::format("unpacking: {} bytes or more follow the zstd frame", packed.size())};
  }
  const std::size_t had = out.size();
  out.resize(had + most);
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  ZSTD_outBuffer made{out.data() + had, most, 0};
  const std::size_t left = ZSTD_decompressStream(context_.get(), &made, &in);
  out.resize(had + made.pos);
  if (ZSTD_isError(left) != 0) {
    return Error{Errc::kInvalid, fmt::format("unpacking: zstd says {}", ZSTD_getErrorName(left))};
  }
  packed.remove_prefix(in.pos);
  is_whole_ = left == 0;
  return ok();
}

}  // namespace fieldpost::delta
