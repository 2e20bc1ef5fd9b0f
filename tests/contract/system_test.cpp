#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "proto/rt/file_descriptor.h"
#include "proto/rt/notify.h"
#include "proto/rt/stderr_log.h"
#include "proto/rt/system_clock.h"
#include "proto/rt/system_random.h"
#include "tests/contract/rigs.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_random.h"

namespace fieldpost::test {
namespace {

constexpr rt::UnixTime kYear2025{1'735'689'600'000'000'000};

struct RealClockRig {
  rt::SystemClock clock;
};
struct SimClockRig {
  sim::SimWorld world{1};
  sim::SimWallClock clock{world, "node"};
};

TEST_CASE_TEMPLATE("a wall clock is past 2025, goes on, and knows its boot", Rig, RealClockRig,
                   SimClockRig) {
  Rig rig;
  const rt::UnixTime first = rig.clock.now();
  CHECK(first > kYear2025);
  CHECK(rig.clock.now() >= first);
  CHECK(rig.clock.boot_id() != rt::BootId{});
  CHECK(rig.clock.boot_id() == rig.clock.boot_id());
  static_cast<void>(rig.clock.synchronised());
}

/// As a unit's SystemCallFilter does, for the calling thread alone; false: not here.
bool forbid_asking_for_the_clock() {
  std::vector<std::uint32_t> calls = {SYS_adjtimex, SYS_clock_adjtime};
#ifdef SYS_clock_adjtime64
  calls.push_back(SYS_clock_adjtime64);
#endif
  std::vector<sock_filter> program = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const std::uint32_t call : calls) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST_CASE("a clock that may not be asked for its state is told from one that is not synchronised") {
  const rt::SystemClock clock;
  std::optional<rt::Result<bool>> asked;
  bool synchronised = true;
  std::thread([&] {
    if (!forbid_asking_for_the_clock()) return;
    asked = clock.try_synchronised();
    synchronised = clock.synchronised();
  }).join();
  if (!asked) {
    MESSAGE("no filter of system calls can be set here");
    return;
  }
  REQUIRE_FALSE(asked->has_value());
  CHECK(asked->error().code == rt::Errc::kDenied);
  CHECK(asked->error().message.find("adjtimex") != std::string::npos);
  CHECK_FALSE(synchronised);
}

TEST_CASE("a simulated clock jumps, drifts, and has a new boot id after a reboot") {
  SimClockRig rig;
  const rt::UnixTime began = rig.clock.now();
  rig.clock.set_drift_ppm(100);
  rig.world.run_for(rt::Seconds{10'000});
  CHECK(rig.clock.now() - began == rt::Seconds{10'001});
  CHECK(rig.clock.true_time() - began == rt::Seconds{10'000});
  rig.clock.set_drift_ppm(0);
  rig.clock.jump(-rt::Seconds{3601});
  CHECK(rig.clock.now() - rig.clock.true_time() == -rt::Seconds{3600});
  const rt::BootId boot = rig.clock.boot_id();
  rig.clock.reboot();
  CHECK(rig.clock.boot_id() != boot);
}

TEST_CASE("random ids differ, and are never zero") {
  rt::SystemRandom system;
  sim::SimRandom simulated(sim::Dice(1));
  for (rt::Random* random : std::initializer_list<rt::Random*>{&system, &simulated}) {
    std::set<std::uint64_t> ids;
    for (int i = 0; i < 1000; ++i) ids.insert(random->next_id());
    CHECK(ids.size() == 1000);
    CHECK_FALSE(ids.contains(0));
  }
}

/// A service manager's socket, in the environment of this program.
struct NotifySocket {
  NotifySocket() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = directory.file("notify");
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~NotifySocket() { ::unsetenv("NOTIFY_SOCKET"); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;
  [[nodiscard]] std::string receive() const {
    char buffer[256] = {};
    const ssize_t size = ::recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    return size > 0 ? std::string(buffer, static_cast<std::size_t>(size)) : "";
  }
  TempDirectory directory;
  rt::FileDescriptor fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

TEST_CASE("the service manager is told, when there is one") {
  rt::notify_ready();  // nobody there
  CHECK_FALSE(rt::watchdog_interval().has_value());
  const NotifySocket manager;
  rt::notify_ready();
  CHECK(manager.receive() == "READY=1");
  rt::notify_status("3 nodes");
  CHECK(manager.receive() == "STATUS=3 nodes");
  rt::notify_watchdog();
  CHECK(manager.receive() == "WATCHDOG=1");
  rt::notify_stopping();
  CHECK(manager.receive() == "STOPPING=1");
}

/// What is written to stderr in this scope.
struct CapturedStderr {
  CapturedStderr() : saved(::dup(STDERR_FILENO)) {
    REQUIRE(::pipe(ends) == 0);
    ::dup2(ends[1], STDERR_FILENO);
  }
  ~CapturedStderr() {
    restore();
    ::close(ends[0]);
  }
  CapturedStderr(const CapturedStderr&) = delete;
  CapturedStderr& operator=(const CapturedStderr&) = delete;
  void restore() {
    if (saved < 0) return;
    ::dup2(saved, STDERR_FILENO);
    ::close(saved);
    ::close(ends[1]);
    saved = -1;
  }
  std::string text() {
    restore();
    char buffer[4096] = {};
    const ssize_t size = ::read(ends[0], buffer, sizeof buffer);
    return size > 0 ? std::string(buffer, static_cast<std::size_t>(size)) : "";
  }
  int saved;
  int ends[2] = {};
};

TEST_CASE("a log line has time, level and message; quieter levels are left out") {
  CapturedStderr captured;
  rt::StderrLog log({.level = rt::LogLevel::kInfo});
  log.debug("not shown");
  log.warning("spool at {} %", 90);
  const std::string text = captured.text();
  CHECK(text.starts_with("20"));
  CHECK(text.ends_with(" warning spool at 90 %\n"));
  CHECK(text.find("not shown") == std::string::npos);
}

TEST_CASE("the journal gets priorities, and a line feed begins no line of its own") {
  CapturedStderr captured;
  rt::StderrLog log({.level = rt::LogLevel::kDebug, .journal = true});
  log.debug("a");
  log.error("name was: {}", "x\n<3>forged {}");
  CHECK(captured.text() == "<7>a\n<3>name was: x <3>forged {}\n");
}

TEST_CASE("log levels are known by name, the journal by its stream") {
  CHECK(rt::StderrLog::parse_level("warning") == rt::LogLevel::kWarning);
  CHECK_FALSE(rt::StderrLog::parse_level("loud").has_value());
  ::setenv("JOURNAL_STREAM", "1:2", 1);
  CHECK_FALSE(rt::StderrLog::stderr_is_journal());
  ::unsetenv("JOURNAL_STREAM");
}

}  // namespace
}  // namespace fieldpost::test
