#pragma once

#include <cstdint>
#include <optional>

#include "proto/delta/content.h"
#include "proto/delta/delta_writer.h"
#include "proto/delta/signature.h"
#include "proto/delta/signature_writer.h"
#include "proto/rt/files.h"
#include "proto/rt/result.h"
#include "proto/wire/output_file.h"

namespace fieldpost::delta {

/// Makes the delta between two files that are both here: the signature of the base stays in memory.
/// In steps, on a worker; up to signature_memory and 20 MiB.
class DeltaEncoder {
 public:
  /// `files` outlives it. `bytes_max`: a delta that grows beyond is not worth it.
  DeltaEncoder(rt::Files& files, DeltaPaths paths, const Change& change, std::uint64_t bytes_max);
  DeltaEncoder(const DeltaEncoder&) = delete;
  DeltaEncoder& operator=(const DeltaEncoder&) = delete;

  /// Goes on; false when the delta has its name. Fails as SignatureWriter and DeltaWriter do.
  rt::Result<bool> step();
  /// The delta's file, when it has its name.
  [[nodiscard]] const wire::WrittenFile& written() const { return writer_->written(); }

 private:
  rt::Files& files_;
  DeltaPaths paths_;
  Change change_;
  std::uint64_t bytes_max_;
  std::optional<SignatureLoader> loader_;
  std::optional<SignatureWriter> signing_;
  std::optional<Signature> signature_;
  std::optional<DeltaWriter> writer_;
};

}  // namespace fieldpost::delta
