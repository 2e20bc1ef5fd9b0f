#pragma once

#include <map>
#include <string>
#include <vector>

#include "proto/rt/files.h"

namespace fieldpost::sim {

/// Files in memory, with inodes and planted errors. `write_durably` is durable at once.
class FakeFiles final : public rt::Files {
 public:
  struct File {
    std::string bytes;
    std::uint64_t inode = 0;
    rt::UnixTime modified;
  };

  /// Keeps the inode of a file that exists.
  void put(const std::string& path, std::string bytes, rt::UnixTime modified = {});
  void append(const std::string& path, std::string_view bytes);
  void load(const std::string& directory);  ///< a tree of the real disk, as if it were the root
  [[nodiscard]] const std::map<std::string, File>& files() const { return files_; }

  std::map<std::string, rt::Error> errors;      ///< by path: every call on it fails with that
  std::map<std::string, rt::DiskSpace> spaces;  ///< others: kNotFound
  std::uint64_t writes = 0;

  rt::Result<std::string> read(const std::string& path, std::uint64_t offset,
                               std::size_t bytes_max) override;
  rt::Result<std::string> read_no_follow(const std::string& path, std::uint64_t offset,
                                         std::size_t bytes_max) override;
  rt::Status write_durably(const std::string& path, std::string_view bytes, unsigned mode) override;
  rt::Status write_at(const std::string& path, std::uint64_t offset, std::string_view bytes,
                      unsigned mode) override;
  rt::Status sync(const std::string& path) override;
  rt::Status rename(const std::string& from, const std::string& to) override;
  rt::Status remove(const std::string& path) override;
  rt::Status remove_all(const std::string& directory) override;
  rt::Status make_directories(const std::string& path) override;
  rt::Result<rt::FileInfo> info(const std::string& path) override;
  rt::Result<rt::FileInfo> info_no_follow(const std::string& path) override;
  rt::Result<std::vector<std::string>> list(const std::string& directory) override;
  rt::Result<rt::DiskSpace> space(const std::string& path) override;

 private:
  rt::Result<File*> find(const std::string& path);
  std::map<std::string, File> files_;
  std::uint64_t last_inode_ = 0;
};

}  // namespace fieldpost::sim
