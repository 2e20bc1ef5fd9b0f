#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "tests/support/temp_directory.h"

namespace fieldpost::test {

struct MosquittoOptions {
  bool shipped = false;      ///< as systemd/mosquitto.conf is; else mosquitto's own defaults
  bool persistence = false;  ///< retained messages survive `stop` and `start`
  std::string extra_config;  ///< lines added to the configuration
};

/// A real broker of the test's own on a free port of loopback, with its files in a directory of its
/// own. Started by the constructor; it ends with this object, or with the test program.
class MosquittoProcess {
 public:
  explicit MosquittoProcess(MosquittoOptions options = {});
  ~MosquittoProcess();
  MosquittoProcess(const MosquittoProcess&) = delete;
  MosquittoProcess& operator=(const MosquittoProcess&) = delete;

  void start();   ///< on the same port again; returns when it listens
  void stop();    ///< SIGTERM, and waits
  void kill();    ///< SIGKILL, and waits
  void freeze();  ///< SIGSTOP
  void thaw();
  [[nodiscard]] bool running() const { return pid_ > 0; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const;  ///< mqtt://127.0.0.1:port
  [[nodiscard]] const std::string& directory() const { return directory_.path(); }

 private:
  bool try_start();
  void end_with(int signal);

  MosquittoOptions options_;
  TempDirectory directory_;
  std::uint16_t port_ = 0;
  pid_t pid_ = 0;
  int log_fd_ = -1;  ///< open as long as it runs, so that its log has a reader
};

/// A TCP port of loopback that nobody listens on right now.
[[nodiscard]] std::uint16_t free_port();

}  // namespace fieldpost::test
