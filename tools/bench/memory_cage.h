#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace fieldpost::bench {

/// A memory cgroup of the benchmark's own (version 1 or 2), with a limit; needs root. It goes with
/// this object, when the processes in it have ended.
class MemoryCage {
 public:
  /// Nothing, and `why`, when this machine does not let us.
  static std::optional<MemoryCage> make(std::uint64_t bytes_max, std::string& why);
  ~MemoryCage();
  MemoryCage(MemoryCage&& other) noexcept;
  MemoryCage& operator=(MemoryCage&&) = delete;
  MemoryCage(const MemoryCage&) = delete;
  MemoryCage& operator=(const MemoryCage&) = delete;

  void take_in(pid_t process);
  /// The most that was ever in use, page cache included.
  [[nodiscard]] std::uint64_t peak_bytes() const;
  [[nodiscard]] std::uint64_t killed() const;  ///< processes, for want of memory

 private:
  explicit MemoryCage(std::string directory, bool is_v2)
      : directory_(std::move(directory)), is_v2_(is_v2) {}
  std::string directory_;  ///< empty: moved from
  bool is_v2_;
};

}  // namespace fieldpost::bench
