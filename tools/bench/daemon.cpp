#include "tools/bench/daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

namespace fieldpost::bench {
namespace {

constexpr int kReadyWithinMs = 60'000;
constexpr double kStopWithinS = 10;

int listen_for_ready(const std::string& path) {
  ::unlink(path.c_str());
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    give_up(fmt::format("binding {}: {}", path, std::strerror(errno)));
  }
  return socket;
}

void wait_for_ready(int socket, const std::string& program) {
  for (;;) {
    pollfd wanted{socket, POLLIN, 0};
    if (::poll(&wanted, 1, kReadyWithinMs) <= 0) give_up(program + " does not get ready");
    char text[256];
    const ssize_t size = ::recv(socket, text, sizeof(text), 0);
    if (size > 0 && std::string_view(text, static_cast<std::size_t>(size)).starts_with("READY=1")) {
      return;
    }
  }
}

[[noreturn]] void become(const std::vector<std::string>& argv, const std::string& log,
                         const std::string& ready_socket) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  if (!ready_socket.empty()) ::setenv("NOTIFY_SOCKET", ready_socket.c_str(), 1);
  std::vector<char*> arguments;
  for (const std::string& each : argv) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

std::uint64_t number_after(const std::string& path, std::string_view label) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(label)) return std::strtoull(line.c_str() + label.size(), nullptr, 10);
  }
  return 0;
}

}  // namespace

void give_up(const std::string& why) {
  fmt::print(stderr, "{}: {}\n", ::program_invocation_short_name, why);
  std::_Exit(EXIT_FAILURE);
}

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void sleep_s(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

void allow_files(std::uint64_t count) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, std::max<rlim_t>(limit.rlim_cur, count));
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < count) {
    give_up(fmt::format("{} open files are not allowed here: see ulimit -n", count));
  }
}

Daemon::Daemon(const std::vector<std::string>& argv, const std::string& log,
               const std::string& ready_socket) {
  const int socket = ready_socket.empty() ? -1 : listen_for_ready(ready_socket);
  const double began = now_s();
  pid_ = ::fork();
  if (pid_ == 0) become(argv, log, ready_socket);
  if (pid_ < 0) give_up("fork: no process");
  if (socket < 0) return;
  wait_for_ready(socket, argv.front());
  start_s_ = now_s() - began;
  ::close(socket);
}

Daemon& Daemon::operator=(Daemon&& other) noexcept {
  stop();
  pid_ = std::exchange(other.pid_, 0);
  start_s_ = other.start_s_;
  return *this;
}

void Daemon::stop() {
  if (pid_ <= 0) return;
  const pid_t pid = std::exchange(pid_, 0);
  ::kill(pid, SIGTERM);
  for (const double began = now_s(); now_s() - began < kStopWithinS;) {
    if (::waitpid(pid, nullptr, WNOHANG) != 0) return;
    sleep_s(0.005);
  }
  fmt::print(stderr, "{}: process {} does not end on SIGTERM: killed\n",
             ::program_invocation_short_name, pid);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

Usage Daemon::usage() const {
  const std::string proc = fmt::format("/proc/{}/", pid_);
  std::ifstream file(proc + "stat");
  std::string line;
  std::getline(file, line);
  // Fields 14 and 15; the second one is the program's name in parentheses.
  std::istringstream fields(line.substr(line.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  Usage usage;
  usage.cpu_s = (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  usage.disk_bytes = number_after(proc + "io", "write_bytes:");
  usage.pss_bytes = number_after(proc + "smaps_rollup", "Pss:") * 1024;
  return usage;
}

}  // namespace fieldpost::bench
