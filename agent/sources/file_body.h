#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/sources/body_writer.h"
#include "proto/rt/files.h"
#include "proto/rt/worker.h"
#include "proto/wire/ids.h"
#include "proto/wire/sha256.h"

namespace fieldpost::agent {

/// A regular file that becomes a body: hashed from end to end first, then read again piece by
/// piece. Each piece is checked against what was hashed, so that a file that changes meanwhile, or
/// another one under its name, gives no fragment of something else. Links are not followed. Holds
/// no bytes; 16 bytes for each fragment.
class FileBody {
 public:
  static constexpr std::size_t kHashBytes = 4 << 20;  ///< hashed in one job

  /// `info`: of the name itself.
  FileBody(std::string path, const rt::FileInfo& info) : path_(std::move(path)), info_(info) {}

  /// On a worker: hashes on. false: there is more. When all is hashed it only looks whether the
  /// file is still the same. kInvalid: it is not.
  rt::Result<bool> hash_on(rt::Files& files);
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const rt::FileInfo& info() const { return info_; }
  [[nodiscard]] wire::Sha256Digest hash() const { return hash_.digest(); }  ///< when all is hashed
  /// On a worker: one fragment. kInvalid: it is not what was hashed.
  [[nodiscard]] rt::Result<std::string> read(rt::Files& files, std::uint64_t offset,
                                             std::size_t size) const;
  /// Reads on the worker, which outlives it, for whoever writes the body.
  static ReadPiece reader(std::shared_ptr<const FileBody> body, rt::Files& files,
                          rt::Worker& worker);

 private:
  std::string path_;
  rt::FileInfo info_;
  wire::Sha256 hash_;
  std::vector<wire::Hash128> pieces_;  ///< of each fragment
  std::uint64_t hashed_ = 0;
};

}  // namespace fieldpost::agent
