#pragma once

#include <memory>
#include <string>

#include "tests/support/sim/sim_disk.h"

namespace fieldpost::sim {

/// SQLite on a SimDisk, as a VFS registered under `name` for as long as this lives: give the name
/// to rt::DatabaseOptions::vfs. Several connections, WAL, locks and shared memory as on unix. All
/// connections must be closed before it.
class SimVfs {
 public:
  SimVfs(SimDisk& disk, std::string name);
  ~SimVfs();
  SimVfs(const SimVfs&) = delete;
  SimVfs& operator=(const SimVfs&) = delete;
  [[nodiscard]] const std::string& name() const;

  struct Impl;  ///< for SQLite's callbacks

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace fieldpost::sim
