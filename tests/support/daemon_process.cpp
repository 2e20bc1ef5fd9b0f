#include "tests/support/daemon_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <utility>

#include "proto/rt/result.h"

namespace fieldpost::test {

DaemonProcess::DaemonProcess(std::vector<std::string> command, std::string log_file)
    : command_(std::move(command)), log_file_(std::move(log_file)) {}

DaemonProcess::~DaemonProcess() {
  kill();
}

void DaemonProcess::start() {
  FP_CHECK(pid_ == 0);
  std::vector<char*> arguments;
  for (std::string& word : command_) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const int log = ::open(log_file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  FP_CHECK(log >= 0);
  pid_ = ::fork();
  FP_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(log, STDERR_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(log);
}

bool DaemonProcess::running() {
  if (pid_ == 0) return false;
  if (::waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  pid_ = 0;
  return false;
}

void DaemonProcess::end_with(int signal) {
  if (pid_ == 0) return;
  ::kill(pid_, signal);
  ::waitpid(std::exchange(pid_, 0), nullptr, 0);
}

void DaemonProcess::kill() {
  end_with(SIGKILL);
}

void DaemonProcess::stop() {
  end_with(SIGTERM);
}

std::string DaemonProcess::log() const {
  std::ifstream file(log_file_);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace fieldpost::test
