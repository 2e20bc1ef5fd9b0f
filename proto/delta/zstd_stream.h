#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "proto/rt/result.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace fieldpost::delta {

/// One zstd frame, made in pieces. The same bytes give the same frame. About 16 MiB of memory.
class ZstdStreamWriter {
 public:
  ZstdStreamWriter();
  /// Appends to `out` what is ready. `is_last`: nothing follows.
  void add(std::string_view raw, bool is_last, std::string& out);

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_CCtx_s, Free> context_;
};

/// Reads one zstd frame in pieces, whoever made it. One that needs more than a window of
/// 2 MiB is refused.
class ZstdStreamReader {
 public:
  ZstdStreamReader();
  /// Takes some of `packed`, and appends at most `most` bytes to `out`. kInvalid: it is no frame,
  /// is damaged, or bytes follow it. After a failure it is over.
  rt::Status read(std::string_view& packed, std::size_t most, std::string& out);
  [[nodiscard]] bool is_whole() const { return is_whole_; }  ///< its end was read

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
  bool is_whole_ = false;
};

}  // namespace fieldpost::delta
