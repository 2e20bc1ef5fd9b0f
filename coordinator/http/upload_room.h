#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "proto/rt/files.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"
#include "proto/wire/sha256.h"

namespace fieldpost::coordinator {

inline constexpr std::uint64_t kUploadBytesMax = 32ull << 30;  ///< of uploads that are not whole
inline constexpr std::size_t kUploadFilesMax = 4096;           ///< and so many of them

/// Of the file of an upload: its hash and size, so that what somebody else says of the same hash
/// is another file, and its size is known without anybody who goes on with it.
[[nodiscard]] std::string upload_name(const wire::Sha256Digest& hash, std::uint64_t size);

/// The directory of uploads, and what they take of the disk: each what it has when it is whole, so
/// that one that was begun can be brought to its end. One thread.
class UploadRoom {
 public:
  UploadRoom(rt::Files& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  /// Before each write: there is room for all of it, now and until `release`. kFull: there is none.
  rt::Status reserve(const std::string& name, std::uint64_t size);
  void release(const std::string& name);
  /// Takes away files that changed last before `before`, but those of `held`, and counts anew.
  rt::Status sweep(const std::set<std::string>& held, rt::UnixTime before);

  [[nodiscard]] const std::string& directory() const { return directory_; }

 private:
  rt::Files& files_;
  std::string directory_;
  std::map<std::string, std::uint64_t> sizes_;  ///< by name
  std::uint64_t bytes_ = 0;                     ///< sum of them
  bool counted_ = false;                        ///< what an earlier process left
};

}  // namespace fieldpost::coordinator
