// SIGHUP and real daemons: what changes while they run, and what they say of the rest.
#include <doctest/doctest.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/real_site.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;  // NOLINT

constexpr auto kWaitMost = 20s;

/// A daemon whose configuration is its first one and some lines more.
class Reloaded {
 public:
  Reloaded(DaemonProcess& daemon, std::string file) : daemon_(daemon), file_(std::move(file)) {
    std::ifstream in(file_);
    first_ = {std::istreambuf_iterator<char>(in), {}};
    daemon_.start();
  }
  void reload_with(const std::string& more) {
    std::ofstream(file_) << first_ << more;
    REQUIRE(::kill(daemon_.pid(), SIGHUP) == 0);
  }
  [[nodiscard]] bool says(const std::string& text, std::size_t times = 1) const {
    return wait_until(kWaitMost, [&] { return count(text) >= times; });
  }
  [[nodiscard]] std::size_t count(const std::string& text) const {
    const std::string log = daemon_.log();
    std::size_t found = 0;
    for (std::size_t at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) {
      found += 1;
    }
    return found;
  }

 private:
  DaemonProcess& daemon_;
  std::string file_, first_;
};

/// `key` of `section` needs a restart.
void check_reload(DaemonProcess& daemon, const std::string& file, const std::string& section,
                  const std::string& key, const std::string& value) {
  Reloaded reloaded(daemon, file);
  REQUIRE(reloaded.says("started, version"));
  const std::string other = "\n[" + section + "]\n" + key + " = " + value + "\n";
  const std::string waits = section + "." + key + " changed: it takes effect at the next start";
  const std::string live = "log.level changed: it is in effect";

  reloaded.reload_with("[log]\nlevel = \"warning\"\n" + other);
  CHECK(reloaded.says(waits));
  reloaded.reload_with("[log]\nlevel = \"loud\"\n");
  CHECK(reloaded.says("configuration not reloaded, the one before stays"));
  CHECK(reloaded.count(live) == 0);  // at level warning nobody is told
  reloaded.reload_with("[log]\nlevel = \"info\"\n" + other);
  CHECK(reloaded.says(live));
  CHECK(reloaded.count(waits) == 2);
  CHECK(daemon.running());
}

}  // namespace

TEST_CASE("the agent takes a new log level at SIGHUP and names what waits for a restart") {
  RealSite site;
  check_reload(site.agent(), site.directory() + "/agent.toml", "batch", "window", "\"200ms\"");
}

TEST_CASE("the coordinator takes a new log level at SIGHUP and names what waits for a restart") {
  RealSite site;
  check_reload(site.coordinator(), site.directory() + "/coordinator.toml", "compaction", "every",
               "\"9s\"");
}

}  // namespace fieldpost::test
