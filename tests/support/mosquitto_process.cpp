#include "tests/support/mosquitto_process.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include "proto/rt/result.h"

namespace fieldpost::test {

namespace {

constexpr int kPortTries = 5;  // somebody may take the free port before we do
constexpr const char* kProgram = "/usr/sbin/mosquitto";

/// It stays who it is, whose the directory is, and says when it runs.
constexpr const char* kOfTests = "user root\nlog_type information\n";

void replace_line(std::string& text, const std::string& old, const std::string& line) {
  const auto at = text.find("\n" + old + "\n");
  FP_CHECK(at != text.npos);
  text.replace(at + 1, old.size(), line);
}

std::string bare_config(std::uint16_t port, bool persistence) {
  return "listener " + std::to_string(port) +
         " 127.0.0.1\nallow_anonymous true\nlog_dest stderr\nconnection_messages false\n"
         "set_tcp_nodelay true\nmax_queued_messages 0\npersistence " +
         (persistence ? "true\n" : "false\n");
}

/// What users get, on another port.
std::string shipped_config(std::uint16_t port, bool persistence) {
  std::ifstream file(FIELDPOST_BROKER_CONFIG);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  replace_line(text, "listener 1883 127.0.0.1", "listener " + std::to_string(port) + " 127.0.0.1");
  if (persistence) replace_line(text, "persistence false", "persistence true");
  return text;
}

pid_t spawn_logging_to(int log_fd, const std::string& config) {
  const pid_t pid = ::fork();
  FP_CHECK(pid >= 0);
  if (pid > 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(log_fd, STDERR_FILENO);
  ::execl(kProgram, kProgram, "-c", config.c_str(), static_cast<char*>(nullptr));
  ::_exit(127);
}

/// Reads until `word` came; false when the writer ended before.
bool read_until(int fd, const std::string& word) {
  std::string seen;
  for (char byte = 0; seen.find(word) == std::string::npos; seen += byte) {
    if (::read(fd, &byte, 1) != 1) return false;
  }
  return true;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Connects as an MQTT client and awaits the answer. A broker that merely says that it runs loses
/// a SIGTERM that comes before its loop has begun.
bool answers(std::uint16_t port) {
  constexpr std::string_view kConnect("\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", 14);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  char answer = 0;
  const bool answered =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::write(fd, kConnect.data(), kConnect.size()) > 0 && ::read(fd, &answer, 1) == 1;
  ::close(fd);
  return answered;
}

}  // namespace

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  FP_CHECK(::bind(fd, generic, size) == 0);
  FP_CHECK(::getsockname(fd, generic, &size) == 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

MosquittoProcess::MosquittoProcess(MosquittoOptions options) : options_(std::move(options)) {
  for (int i = 0; i < kPortTries; ++i) {
    port_ = free_port();
    if (try_start()) return;
  }
  FP_CHECK(running());
}

MosquittoProcess::~MosquittoProcess() {
  kill();
}

std::string MosquittoProcess::url() const {
  return "mqtt://127.0.0.1:" + std::to_string(port_);
}

bool MosquittoProcess::try_start() {
  const std::string config = directory_.file("mosquitto.conf");
  const auto text = options_.shipped ? shipped_config : bare_config;
  std::ofstream(config) << text(port_, options_.persistence) << "persistence_location "
                        << directory_.path() << "/\n"
                        << kOfTests << options_.extra_config << "\n";
  int ends[2] = {};
  FP_CHECK(::pipe2(ends, O_CLOEXEC) == 0);
  pid_ = spawn_logging_to(ends[1], config);
  ::close(ends[1]);
  log_fd_ = ends[0];
  if (read_until(log_fd_, " running") && answers(port_)) return true;
  end_with(SIGKILL);
  return false;
}

void MosquittoProcess::start() {
  FP_CHECK(!running());
  FP_CHECK(try_start());
}

void MosquittoProcess::end_with(int signal) {
  if (!running()) return;
  ::kill(pid_, signal);
  ::kill(pid_, SIGCONT);
  ::waitpid(std::exchange(pid_, 0), nullptr, 0);
  ::close(std::exchange(log_fd_, -1));
}

void MosquittoProcess::stop() {
  end_with(SIGTERM);
}

void MosquittoProcess::kill() {
  end_with(SIGKILL);
}

void MosquittoProcess::freeze() {
  ::kill(pid_, SIGSTOP);
}

void MosquittoProcess::thaw() {
  ::kill(pid_, SIGCONT);
}

}  // namespace fieldpost::test
