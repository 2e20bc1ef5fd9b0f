#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proto/rt/files.h"
#include "tests/support/sim/sim_disk.h"

namespace fieldpost::sim {

/// The Files port on a SimDisk: the same files that SQLite sees there. Links are this object's, and
/// to files only.
class SimFiles final : public rt::Files {
 public:
  explicit SimFiles(SimDisk& disk) : disk_(disk) {}
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

  /// A name for the file `to`, which need not exist.
  void make_link(const std::string& to, const std::string& path) {
    disk_.remove(path, true);
    links_[path] = to;
  }
  /// What somebody else does to these files in the moment before the next rename.
  void before_rename(std::function<void()> other) { before_rename_ = std::move(other); }

 private:
  [[nodiscard]] std::string follow(const std::string& path) const;
  [[nodiscard]] bool is_directory(const std::string& path) const;

  SimDisk& disk_;
  std::set<std::string> directories_;
  std::map<std::string, std::string> links_;  ///< what they lead to, by their names
  std::function<void()> before_rename_;
};

}  // namespace fieldpost::sim
