#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/runner/job/job.h"
#include "proto/rt/clock.h"
#include "proto/rt/files.h"
#include "proto/rt/result.h"

namespace fieldpost::agent::runner {

/// Directories that jobs keep for each other under keys, a tar each. A key belongs to a repository:
/// jobs of another one neither see nor replace it. What is there under a key never changes. Above
/// its bounds, what was used longest ago goes; a missing entry only costs time, so what cannot be
/// read counts as missing.
class CacheStore {
 public:
  static constexpr std::size_t kEntriesMax = 1024;

  struct Found {
    std::string directory;  ///< `data` in it is the tar
    std::string key;
    bool is_exact = false;
  };
  CacheStore(rt::Files& files, const rt::WallClock& clock, std::string directory,
             std::uint64_t bytes_max);

  [[nodiscard]] bool has(const std::string& repository, const std::string& key) const;
  /// The entry of the key, or else the newest whose key begins with the first of `restore_keys`
  /// that has any. It counts as used.
  std::optional<Found> find(const std::string& repository, const JobCache& wanted);
  /// Moves the file `tar` in under a key that is not there. kFull: it is larger than all may be.
  rt::Status keep(const std::string& repository, const std::string& key, const std::string& tar);

 private:
  struct Entry {
    std::string name;
    std::string repository;
    std::string key;
    std::int64_t made_ns = 0;
    std::int64_t used_ns = 0;
    std::uint64_t size = 0;
  };
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name; }
  [[nodiscard]] std::optional<Entry> read(const std::string& name) const;
  rt::Status write(const Entry& entry);
  [[nodiscard]] std::vector<Entry> entries() const;
  rt::Status make_room(std::uint64_t size);

  rt::Files& files_;
  const rt::WallClock& clock_;
  std::string directory_;
  std::uint64_t bytes_max_;
};

}  // namespace fieldpost::agent::runner
