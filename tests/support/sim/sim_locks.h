#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace fieldpost::sim {

/// The locks and the shared memory of one SQLite file, among the connections of one program.
/// Answers are SQLite's codes. Any thread.
class SimLocks {
 public:
  using Holder = const void*;

  int lock(Holder holder, int level);  ///< SQLITE_LOCK_*: raises; may stop at PENDING
  void unlock(Holder holder, int level);
  [[nodiscard]] bool reserved() const;

  /// Null when there is no such region yet and `extend` is false.
  void* map(Holder holder, std::size_t region, std::size_t bytes, bool extend);
  int shm_lock(Holder holder, int first, int count, int flags);
  /// The last one to leave takes the memory with it: who comes next recovers from the WAL.
  void unmap(Holder holder);

 private:
  struct ShmMask {
    unsigned shared = 0;
    unsigned exclusive = 0;
  };
  [[nodiscard]] bool others_have(Holder holder, int level) const;
  [[nodiscard]] bool shm_conflict(Holder holder, unsigned mask, bool exclusive) const;

  mutable std::mutex mutex_;
  std::map<Holder, int> levels_;
  std::map<Holder, ShmMask> mapped_;
  std::vector<std::unique_ptr<char[]>> regions_;
};

}  // namespace fieldpost::sim
