#pragma once

#include <string>
#include <string_view>

#include "coordinator/parquet/format.h"
#include "proto/rt/result.h"
#include "proto/wire/zstd_frames.h"

namespace fieldpost::coordinator::parquet {

/// Undoes the compression of pages: zstd, Snappy, gzip, none.
class PageUnpacker {
 public:
  /// Fills `out`, whose size is what the page's header says. kCorrupt when the bytes are damaged or
  /// hold more or less; kInvalid for another codec, naming it and what to do. The message says why.
  rt::Status unpack(Codec codec, std::string_view packed, std::string& out);

 private:
  wire::ZstdUnpacker zstd_;
};

}  // namespace fieldpost::coordinator::parquet
