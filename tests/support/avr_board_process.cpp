#include "tests/support/avr_board_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "proto/rt/result.h"

namespace fieldpost::test {

namespace {

/// Reads until the board says that its port is there; false when it ended before.
bool is_ready(int said) {
  std::string text;
  for (char byte = 0; ::read(said, &byte, 1) == 1;) {
    text += byte;
    if (text.ends_with("\nready\n")) return true;
  }
  return false;
}

}  // namespace

bool AvrBoardProcess::possible() {
  return std::filesystem::exists(FIELDPOST_AVR_BOARD) &&
         std::filesystem::exists(FIELDPOST_AVR_BOOTLOADER) &&
         std::filesystem::exists(FIELDPOST_AVRDUDE);
}

AvrBoardProcess::AvrBoardProcess(std::string link, std::string flash_file, AvrBoardOptions options)
    : link_(std::move(link)), flash_file_(std::move(flash_file)), options_(std::move(options)) {}

AvrBoardProcess::~AvrBoardProcess() {
  cut_power();
}

void AvrBoardProcess::start(const std::vector<std::string>& words) {
  FP_CHECK(pid_ == 0);
  std::vector<std::string> command{FIELDPOST_AVR_BOARD,
                                   "--bootloader",
                                   FIELDPOST_AVR_BOOTLOADER,
                                   "--flash",
                                   flash_file_,
                                   "--pty",
                                   link_};
  if (!options_.app.empty()) command.insert(command.end(), {"--app", options_.app});
  command.insert(command.end(), options_.words.begin(), options_.words.end());
  command.insert(command.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int pipe[2];
  FP_CHECK(::pipe2(pipe, O_CLOEXEC) == 0);
  pid_ = ::fork();
  FP_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(pipe[1], STDOUT_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(pipe[1]);
  FP_CHECK(is_ready(pipe[0]));
  ::close(pipe[0]);
}

bool AvrBoardProcess::running() {
  if (pid_ == 0) return false;
  if (::waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  pid_ = 0;
  return false;
}

void AvrBoardProcess::end_with(int signal) {
  if (pid_ == 0) return;
  ::kill(pid_, signal);
  ::waitpid(std::exchange(pid_, 0), nullptr, 0);
  // Its pty's name may soon be somebody else's.
  std::filesystem::remove(link_);
}

void AvrBoardProcess::cut_power() {
  end_with(SIGKILL);
}

void AvrBoardProcess::unplug() {
  end_with(SIGTERM);
}

std::string AvrBoardProcess::flash(std::size_t size) const {
  std::ifstream file(flash_file_, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  FP_CHECK(bytes.size() >= size);
  return bytes.substr(0, size);
}

}  // namespace fieldpost::test
