#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "proto/rt/result.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace fieldpost::wire {

/// Makes zstd frames; keeps libzstd's working memory from one to the next. The same bytes give the
/// same frame. One thread at a time.
class ZstdPacker {
 public:
  explicit ZstdPacker(int level);
  /// Appends one frame, which says the size of what is in it.
  void append_frame(std::string& out, std::string_view raw);

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_CCtx_s, Free> context_;
  int level_;
};

/// Unpacks zstd frames, with the same working memory again and again. One thread at a time.
class ZstdUnpacker {
 public:
  ZstdUnpacker();
  /// Fills `out`. kCorrupt, with the reason alone as its message, when the frames are damaged or
  /// hold more or less than that.
  rt::Status unpack(std::string_view frames, std::span<char> out);

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
};

}  // namespace fieldpost::wire
