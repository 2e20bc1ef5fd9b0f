#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/result.h"
#include "proto/rt/time.h"

namespace fieldpost::rt {

struct DiskSpace {
  std::uint64_t bytes_total = 0;
  std::uint64_t bytes_free = 0;  ///< for unprivileged users
};

struct FileInfo {
  std::uint64_t size = 0;
  std::uint64_t inode = 0;
  UnixTime modified;  ///< when its bytes changed last
  bool is_directory = false;
  bool is_regular = false;  ///< bytes on a disk: no link, pipe, socket or device
  bool operator==(const FileInfo&) const = default;
};

/// The few file operations the core needs. Paths are absolute. Blocking: small files only, or call
/// it on a worker.
class Files {
 public:
  virtual ~Files() = default;
  /// At most `bytes_max` bytes from `offset`; kNotFound when there is no such file.
  virtual Result<std::string> read(const std::string& path, std::uint64_t offset,
                                   std::size_t bytes_max) = 0;
  /// The same of a regular file alone, for directories that others write to. kInvalid: the name is
  /// that of something else, such as a link to a file that they may not read.
  virtual Result<std::string> read_no_follow(const std::string& path, std::uint64_t offset,
                                             std::size_t bytes_max) = 0;
  /// Temporary name, fsync, rename, fsync of the directory: the old or the new content stands.
  virtual Status write_durably(const std::string& path, std::string_view bytes, unsigned mode) = 0;
  /// Puts bytes into a file, which is made when there is none; on disk only after `sync`. For what
  /// is too large for one string: written in pieces under a temporary name, synced, renamed.
  virtual Status write_at(const std::string& path, std::uint64_t offset, std::string_view bytes,
                          unsigned mode) = 0;
  /// Of a directory: the names in it.
  virtual Status sync(const std::string& path) = 0;
  /// Durably, both directories included.
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  /// A missing file is no error, a directory is kInvalid.
  virtual Status remove(const std::string& path) = 0;
  /// A directory with all that is in it; a missing one is no error. What fails leaves the rest.
  virtual Status remove_all(const std::string& directory) = 0;
  virtual Status make_directories(const std::string& path) = 0;
  virtual Result<FileInfo> info(const std::string& path) = 0;
  /// Of the name itself: a link is not followed, and neither a regular file nor a directory.
  virtual Result<FileInfo> info_no_follow(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> list(
      const std::string& directory) = 0;  ///< sorted names
  virtual Result<DiskSpace> space(const std::string& path) = 0;
};

}  // namespace fieldpost::rt
