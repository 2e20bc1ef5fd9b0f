#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/sim/dice.h"

namespace fieldpost::sim {

/// One file: what the page cache shows, what the medium has, and the changes in between.
struct DiskFile {
  struct Change {
    std::uint64_t offset = 0;
    std::string bytes;
    bool truncate = false;  ///< to `offset`
  };
  std::uint64_t inode = 0;
  std::string content;
  std::string durable;
  std::vector<Change> unsynced;
  bool entry_durable = false;  ///< its name survives a power cut
  std::int64_t modified_ns = 0;
};
using DiskFilePtr = std::shared_ptr<DiskFile>;

enum class DiskCall : unsigned {
  kOpen = 1,
  kRead = 2,
  kWrite = 4,
  kSync = 8,
  kTruncate = 16,
  kRemove = 32,
  kRename = 64,
};
inline constexpr unsigned kChangingCalls = 4 | 8 | 16 | 32 | 64;
inline constexpr unsigned kAllCalls = 127;

enum class DiskAnswer : std::uint8_t { kDone, kIo, kFull, kNotFound };

struct DiskFailure {
  DiskAnswer answer = DiskAnswer::kIo;
  unsigned calls = kChangingCalls;  ///< DiskCall bits
  std::uint64_t at = 1;             ///< the how many-th of these calls, from now
  bool for_ever = false;            ///< and all after it, until `heal`
};

/// A machine's disk: files in memory, with what a real disk does to unsynced writes, and failures
/// on demand. SimVfs puts SQLite on it, SimFiles the Files port. A process's end goes in two steps:
/// `stop` (from here nothing changes any more), then, when its objects are gone, one of the
/// `restart_*`. Any thread.
class SimDisk {
 public:
  using Image = std::map<std::string, std::string>;  ///< content by path

  void stop();
  /// Stops at the n-th changing call from now, which is not carried out. `stopped` is called then,
  /// inside the call: it may only take note (SimWorld::schedule), not touch the disk.
  void stop_at(std::uint64_t call, std::function<void()> stopped = nullptr);
  [[nodiscard]] bool is_stopped() const;
  void restart_after_kill();                 ///< the page cache stays
  void restart_after_power_cut(Dice& dice);  ///< unsynced writes are lost, or some of their sectors

  void fail(DiskFailure failure);
  void heal();  ///< no failure, no limit, not stopping
  [[nodiscard]] bool failure_fired() const;
  /// Of all files together; a write above it is kFull.
  void set_bytes_max(std::uint64_t bytes);
  /// What tells when files change, since 1970; without it each change is a nanosecond later.
  void set_clock(std::function<std::int64_t()> now_ns);
  [[nodiscard]] std::uint64_t bytes_max() const;
  [[nodiscard]] std::uint64_t bytes_used() const;

  /// Nobody may have files open while an image is put back.
  [[nodiscard]] Image snapshot() const;
  void restore(const Image& image);
  void flip_bit(const std::string& path, std::uint64_t bit);  ///< on the medium and in the cache

  [[nodiscard]] std::uint64_t changing_calls() const;
  [[nodiscard]] std::uint64_t syncs() const;
  [[nodiscard]] std::uint64_t bytes_written() const;

  // What SimVfs and SimFiles stand on.
  DiskAnswer open(const std::string& path, bool create, DiskFilePtr& file);
  DiskAnswer read(const DiskFile& file, std::uint64_t offset, std::span<char> out,
                  std::size_t& got);
  DiskAnswer write(DiskFile& file, std::uint64_t offset, std::string_view bytes);
  DiskAnswer truncate(DiskFile& file, std::uint64_t size);
  DiskAnswer sync(DiskFile& file);
  void sync_directory(const std::string& prefix);  ///< what was made and removed there stays so
  DiskAnswer remove(const std::string& path, bool durably);
  DiskAnswer rename(const std::string& from, const std::string& to);  ///< durable at once
  [[nodiscard]] DiskFilePtr find(const std::string& path) const;
  [[nodiscard]] std::uint64_t size(const DiskFile& file) const;
  [[nodiscard]] std::vector<std::string> paths() const;

 private:
  DiskAnswer admit(DiskCall call);
  bool failure_hits(DiskCall call);
  bool stops_at(DiskCall call);
  bool has_room(const DiskFile& file, std::uint64_t size) const;
  void check_nothing_is_open() const;
  std::uint64_t used() const;

  mutable std::mutex mutex_;
  std::map<std::string, DiskFilePtr> names_;
  std::map<std::string, DiskFilePtr> ghosts_;  ///< removed, but not durably
  std::uint64_t last_inode_ = 0;
  bool stopped_ = false;
  std::uint64_t calls_until_stop_ = 0;  ///< 0: it does not stop
  std::function<void()> on_stopped_;
  DiskFailure failure_{.at = 0};  ///< at = 0: none
  bool failure_fired_ = false;
  std::uint64_t bytes_max_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t changing_calls_ = 0;
  std::uint64_t syncs_ = 0;
  std::uint64_t bytes_written_ = 0;
  std::function<std::int64_t()> now_ns_;
  std::int64_t changes_ = 0;
};

}  // namespace fieldpost::sim
