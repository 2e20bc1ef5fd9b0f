#pragma once

#include "proto/rt/files.h"

namespace fieldpost::rt {

/// The operating system's files. Any thread.
class SystemFiles final : public Files {
 public:
  Result<std::string> read(const std::string& path, std::uint64_t offset,
                           std::size_t bytes_max) override;
  Result<std::string> read_no_follow(const std::string& path, std::uint64_t offset,
                                     std::size_t bytes_max) override;
  Status write_durably(const std::string& path, std::string_view bytes, unsigned mode) override;
  Status write_at(const std::string& path, std::uint64_t offset, std::string_view bytes,
                  unsigned mode) override;
  Status sync(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status remove_all(const std::string& directory) override;
  Status make_directories(const std::string& path) override;
  Result<FileInfo> info(const std::string& path) override;
  Result<FileInfo> info_no_follow(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<DiskSpace> space(const std::string& path) override;
};

}  // namespace fieldpost::rt
