#include "proto/wire/zstd_frames.h"

#include <zstd.h>

namespace fieldpost::wire {

void ZstdPacker::Free::operator()(ZSTD_CCtx_s* context) const {
  ZSTD_freeCCtx(context);
}

ZstdPacker::ZstdPacker(int level) : context_(ZSTD_createCCtx()), level_(level) {
  FP_CHECK(context_ != nullptr);
}

void ZstdPacker::append_frame(std::string& out, std::string_view raw) {
  const std::size_t before = out.size();
  out.resize(before + ZSTD_compressBound(raw.size()));
  const std::size_t size = ZSTD_compressCCtx(context_.get(), out.data() + before,
                                             out.size() - before, raw.data(), raw.size(), level_);
  FP_CHECK(ZSTD_isError(size) == 0);  // there is room for it
  out.resize(before + size);
}

void ZstdUnpacker::Free::operator()(ZSTD_DCtx_s* context) const {
  ZSTD_freeDCtx(context);
}

ZstdUnpacker::ZstdUnpacker() : context_(ZSTD_createDCtx()) {
  FP_CHECK(context_ != nullptr);
}

rt::Status ZstdUnpacker::unpack(std::string_view frames, std::span<char> out) {
  const std::size_t size =
      ZSTD_decompressDCtx(context_.get(), out.data(), out.size(), frames.data(), frames.size());
  if (ZSTD_isError(size) != 0) return rt::Error{rt::Errc::kCorrupt, ZSTD_getErrorName(size)};
  if (size != out.size()) {
    return rt::Error{rt::Errc::kCorrupt, "size differs from what was announced"};
  }
  return rt::ok();
}

}  // namespace fieldpost::wire
