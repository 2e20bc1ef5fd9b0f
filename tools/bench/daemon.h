#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace fieldpost::bench {

/// What the kernel says of a process.
struct Usage {
  double cpu_s = 0;              ///< user and system, all threads
  std::uint64_t disk_bytes = 0;  ///< that it caused to be written
  std::uint64_t pss_bytes = 0;   ///< its share of memory
};

/// A child process; ended with this object, or with us.
class Daemon {
 public:
  Daemon() = default;
  /// Starts a program; what it prints goes to `log`. With `ready_socket` (a path), returns once it
  /// has sent READY=1 there, as systemd would hear it. Ends the benchmark when it cannot start.
  Daemon(const std::vector<std::string>& argv, const std::string& log,
         const std::string& ready_socket = "");
  ~Daemon() { stop(); }
  Daemon(Daemon&& other) noexcept { *this = std::move(other); }
  Daemon& operator=(Daemon&& other) noexcept;
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// SIGTERM, and waits.
  void stop();
  [[nodiscard]] bool is_running() const { return pid_ > 0; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] Usage usage() const;
  /// From fork to READY=1.
  [[nodiscard]] double start_s() const { return start_s_; }

 private:
  pid_t pid_ = 0;
  double start_s_ = 0;
};

/// Prints what went wrong and ends the benchmark (and, with it, its children).
[[noreturn]] void give_up(const std::string& why);

/// Lets this process, and the children that it starts from now on, have so many files open; ends
/// the benchmark where that is not allowed.
void allow_files(std::uint64_t count);

/// Seconds on the monotonic clock.
[[nodiscard]] double now_s();
void sleep_s(double seconds);

}  // namespace fieldpost::bench
