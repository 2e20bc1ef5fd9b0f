#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace fieldpost::test {

struct AvrBoardOptions {
  std::string app;                 ///< Intel HEX that a fresh chip holds; empty: nothing
  std::vector<std::string> words;  ///< more of avr_board's command line
};

/// A simulated Uno as a process, plugged in under a name that stays: `link` points to its serial
/// port while it runs. Its flash is a file, and so outlives it. It ends with this object, or with
/// the thread that started it.
class AvrBoardProcess {
 public:
  /// Whether this machine has simulator, bootloader and avrdude.
  [[nodiscard]] static bool possible();

  AvrBoardProcess(std::string link, std::string flash_file, AvrBoardOptions options = {});
  ~AvrBoardProcess();
  AvrBoardProcess(const AvrBoardProcess&) = delete;
  AvrBoardProcess& operator=(const AvrBoardProcess&) = delete;

  /// Plugs it in; `words` are for this start only. Returns when the port is there.
  void start(const std::vector<std::string>& words = {});
  void cut_power();  ///< SIGKILL; the port is gone
  void unplug();     ///< SIGTERM; the port is gone
  /// Whether it runs; one that lost its power by itself is noticed here.
  [[nodiscard]] bool running();
  [[nodiscard]] const std::string& link() const { return link_; }
  /// The first `size` bytes of its flash.
  [[nodiscard]] std::string flash(std::size_t size) const;

 private:
  void end_with(int signal);

  std::string link_, flash_file_;
  AvrBoardOptions options_;
  pid_t pid_ = 0;
};

}  // namespace fieldpost::test
