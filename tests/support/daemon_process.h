#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace fieldpost::test {

/// A program of ours as a real process that tests kill and start again. Its stderr goes to a file,
/// appended to over all starts. It ends with this object, or with the thread that started it.
class DaemonProcess {
 public:
  /// `command[0]` is the path of the program.
  DaemonProcess(std::vector<std::string> command, std::string log_file);
  ~DaemonProcess();
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  void start();  ///< returns before the program is ready
  void kill();   ///< SIGKILL, and waits
  void stop();   ///< SIGTERM, and waits
  /// Whether it runs; a program that ended by itself is noticed here.
  [[nodiscard]] bool running();
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] std::string log() const;  ///< all it said until now

 private:
  void end_with(int signal);

  std::vector<std::string> command_;
  std::string log_file_;
  pid_t pid_ = 0;
};

}  // namespace fieldpost::test
