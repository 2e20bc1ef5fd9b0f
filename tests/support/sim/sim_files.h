#pragma once

#include <set>

#include "proto/rt/files.h"
#include "tests/support/sim/sim_disk.h"

namespace fieldpost::sim {

/// The Files port on a SimDisk: the same files that SQLite sees there.
class SimFiles final : public rt::Files {
 public:
  explicit SimFiles(SimDisk& disk) : disk_(disk) {}
  rt::Result<std::string> read(const std::string& path, std::uint64_t offset,
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
  rt::Result<std::vector<std::string>> list(const std::string& directory) override;
  rt::Result<rt::DiskSpace> space(const std::string& path) override;

 private:
  [[nodiscard]] bool is_directory(const std::string& path) const;

  SimDisk& disk_;
  std::set<std::string> directories_;
};

}  // namespace fieldpost::sim
