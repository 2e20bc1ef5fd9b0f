#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "proto/delta/content.h"
#include "proto/delta/copy_extender.h"
#include "proto/delta/delta_commands.h"
#include "proto/delta/librsync_job.h"
#include "proto/delta/signature.h"
#include "proto/delta/zstd_stream.h"
#include "proto/rt/files.h"
#include "proto/rt/result.h"
#include "proto/wire/output_file.h"
#include "proto/wire/sha256.h"

namespace fieldpost::delta {

struct DeltaPaths {
  std::string base;    ///< empty: it is not here, only its signature
  std::string target;  ///< what the delta makes
  std::string delta;   ///< written
};

/// Writes the delta from a base, known by its signature, to a file. In steps, on a worker.
class DeltaWriter {
 public:
  static constexpr std::size_t kStepBytes = 64 * 1024;

  /// `files` and `signature` outlive it. `bytes_max`: a delta that grows beyond is not worth it.
  DeltaWriter(rt::Files& files, const Signature& signature, DeltaPaths paths, const Change& change,
              std::uint64_t bytes_max);
  DeltaWriter(const DeltaWriter&) = delete;
  DeltaWriter& operator=(const DeltaWriter&) = delete;

  /// Goes on by kStepBytes of the target; false when the delta has its name. kInvalid: the target
  /// is not what it should be; kCorrupt: the base is not; kFull: the delta is larger than it may
  /// be, or the disk is full. After a failure it is over, and nothing is left of the delta.
  rt::Result<bool> step();
  /// The delta's file, when it has its name.
  [[nodiscard]] const wire::WrittenFile& written() const { return written_.value(); }

 private:
  rt::Result<bool> go_on();
  rt::Status begin();
  rt::Result<bool> read_target(std::string& commands);
  rt::Status pack(bool is_last);
  rt::Result<std::string> read_base(std::uint64_t offset, std::size_t size);

  rt::Files& files_;
  DeltaPaths paths_;
  Change change_;
  std::uint64_t bytes_max_;
  LibrsyncJob job_;
  CommandReader reader_;
  std::string commands_;  ///< that come out of the extender
  CopyExtender extender_;
  ZstdStreamWriter zstd_;
  wire::OutputFile out_;
  wire::Sha256 hash_;
  std::uint64_t read_ = 0;
  std::optional<wire::WrittenFile> written_;
};

}  // namespace fieldpost::delta
