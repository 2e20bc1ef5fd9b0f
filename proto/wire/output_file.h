#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "proto/rt/files.h"
#include "proto/rt/result.h"
#include "proto/wire/sha256.h"

namespace fieldpost::wire {

struct WrittenFile {
  std::uint64_t size = 0;
  Sha256Digest sha256;
  bool operator==(const WrittenFile&) const = default;
};

/// A file that is written from its beginning to its end, in pieces. It has its name only when it is
/// whole and on disk; before, it lies beside it as `.part`.
class OutputFile {
 public:
  OutputFile(rt::Files& files, std::string path) : files_(&files), path_(std::move(path)) {}

  /// After a failure the file is broken, and each further call fails like the first.
  rt::Status append(std::string_view bytes);
  /// Synced and renamed.
  rt::Result<WrittenFile> finish();
  /// Takes away what was written, for one that is not finished and will not be.
  rt::Status discard();
  /// Of all that was appended.
  [[nodiscard]] WrittenFile written() const { return {size(), hash_.digest()}; }
  [[nodiscard]] std::uint64_t size() const { return written_ + buffer_.size(); }

 private:
  rt::Status flush();

  rt::Files* files_;
  std::string path_;
  std::string buffer_;
  std::uint64_t written_ = 0;
  std::uint64_t synced_ = 0;
  Sha256 hash_;
  rt::Status failed_ = rt::ok();
};

}  // namespace fieldpost::wire
