// What both daemons tell the service manager, as systemd hears it.
#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "proto/rt/result.h"
#include "tests/support/real_site.h"
#include "tests/support/temp_directory.h"

namespace fieldpost::test {
namespace {

constexpr int kWaitMostMs = 20'000;
constexpr int kFeeds = 5;

/// The socket of $NOTIFY_SOCKET, read by hand.
class ServiceManager {
 public:
  ServiceManager() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    FP_CHECK(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~ServiceManager() { ::close(fd_); }
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  /// What a command is started with, so that it is a unit with a watchdog of 200 ms.
  [[nodiscard]] std::vector<std::string> wrapper() const {
    return {"/usr/bin/env", "NOTIFY_SOCKET=" + path_, "WATCHDOG_USEC=200000"};
  }
  /// The next word; empty when none comes. Lines of status are nobody's duty.
  [[nodiscard]] std::string hear() const {
    std::string word;
    do {
      pollfd wanted{fd_, POLLIN, 0};
      if (::poll(&wanted, 1, kWaitMostMs) <= 0) return {};
      char text[512];
      const ssize_t size = ::recv(fd_, text, sizeof text, 0);
      word.assign(text, size < 0 ? 0 : static_cast<std::size_t>(size));
    } while (word.starts_with("STATUS="));
    return word;
  }
  /// The next one that feeds no watchdog.
  [[nodiscard]] std::string hear_other() const {
    std::string word = hear();
    while (word == "WATCHDOG=1") word = hear();
    return word;
  }

 private:
  TempDirectory directory_;
  std::string path_ = directory_.file("notify");
  int fd_;
};

void check_words(const ServiceManager& manager, DaemonProcess& daemon) {
  daemon.start();
  CHECK(manager.hear() == "READY=1");
  for (int i = 0; i < kFeeds; ++i) CHECK(manager.hear() == "WATCHDOG=1");
  REQUIRE(::kill(daemon.pid(), SIGHUP) == 0);
  CHECK(manager.hear_other() == "RELOADING=1");
  CHECK(manager.hear_other() == "READY=1");
  CHECK(manager.hear() == "WATCHDOG=1");
  daemon.stop();
  CHECK(manager.hear_other() == "STOPPING=1");
}

TEST_CASE("the agent is ready, feeds its watchdog again and again, reloads and stops") {
  const ServiceManager manager;
  RealSite site({.agent_wrapper = manager.wrapper()});
  check_words(manager, site.agent());
}

TEST_CASE("the coordinator is ready, feeds its watchdog again and again, reloads and stops") {
  const ServiceManager manager;
  RealSite site({.coordinator_wrapper = manager.wrapper()});
  check_words(manager, site.coordinator());
}

}  // namespace
}  // namespace fieldpost::test
