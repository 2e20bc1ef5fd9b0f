#include "tests/support/pty_board.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <utility>

#include "proto/rt/result.h"

namespace fieldpost::test {

namespace {

constexpr int kPatienceMs = 30'000;
constexpr std::size_t kChunkBytes = 4096;
constexpr std::size_t kHeardBytesMax = 64 * 1024;  // more is old

}  // namespace

PtyBoard::PtyBoard(std::string link) : link_(std::move(link)) {
  plug_in();
}

void PtyBoard::plug_in() {
  FP_CHECK(!board_.is_open());
  board_.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  std::array<char, 128> name{};
  FP_CHECK(::grantpt(board_.get()) == 0 && ::unlockpt(board_.get()) == 0);
  FP_CHECK(::ptsname_r(board_.get(), name.data(), name.size()) == 0);
  const rt::FileDescriptor host(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  // Without this the pty would send back what the board says before anybody has opened it.
  termios raw{};
  FP_CHECK(::tcgetattr(host.get(), &raw) == 0);
  ::cfmakeraw(&raw);
  FP_CHECK(::tcsetattr(host.get(), TCSANOW, &raw) == 0);
  std::filesystem::create_symlink(name.data(), link_);
}

void PtyBoard::unplug() {
  if (!board_.is_open()) return;
  // First: its pty's name may soon be somebody else's.
  std::filesystem::remove(link_);
  board_.reset();
}

bool PtyBoard::send(std::string_view bytes) {
  while (!bytes.empty()) {
    hear();
    pollfd room{board_.get(), POLLOUT, 0};
    if (::poll(&room, 1, kPatienceMs) <= 0) return false;
    if ((room.revents & POLLOUT) == 0) return false;
    const ssize_t sent = ::write(board_.get(), bytes.data(), std::min(bytes.size(), kChunkBytes));
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void PtyBoard::send_what_fits(std::string_view bytes) {
  pollfd room{board_.get(), POLLOUT, 0};
  if (::poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0) return;
  const ssize_t sent = ::write(board_.get(), bytes.data(), bytes.size());
  static_cast<void>(sent);  // what does not fit is lost, as on a line
}

void PtyBoard::listen_until(std::chrono::steady_clock::time_point end) {
  hear();
  std::this_thread::sleep_until(end);
  hear();
}

std::string PtyBoard::take_heard() {
  hear();
  return std::exchange(heard_, {});
}

/// Takes what is there without waiting.
void PtyBoard::hear() {
  std::array<char, kChunkBytes> buffer{};
  for (;;) {
    pollfd there{board_.get(), POLLIN, 0};
    if (::poll(&there, 1, 0) != 1 || (there.revents & POLLIN) == 0) return;
    const ssize_t got = ::read(board_.get(), buffer.data(), buffer.size());
    if (got <= 0) return;
    heard_.append(buffer.data(), static_cast<std::size_t>(got));
    if (heard_.size() > kHeardBytesMax) heard_.erase(0, heard_.size() - kHeardBytesMax);
  }
}

}  // namespace fieldpost::test
