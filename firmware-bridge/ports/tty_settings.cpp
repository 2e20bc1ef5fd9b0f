#include "firmware-bridge/ports/tty_settings.h"

#include <asm/termbits.h>
#include <fmt/format.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "proto/rt/errno_error.h"

namespace fieldpost::bridge {
namespace {

using rt::Errc;
using rt::Error;
using rt::Status;

/// A start bit and ten more are read right at up to about five per cent between both ends.
constexpr unsigned kBaudErrorPctMax = 3;

Error tty_error(std::string_view doing) {
  if (errno == ENOTTY) return {Errc::kInvalid, "it is no serial port"};
  if (errno == EIO) return {Errc::kNotFound, "there is no chip behind it, or it was pulled out"};
  return rt::errno_error(errno, doing);
}

tcflag_t control_flags(const SerialSettings& settings) {
  tcflag_t flags = CREAD | CLOCAL;  // HUPCL not: closing would drop DTR, and the next open reset
  flags |= settings.data_bits == 7 ? tcflag_t{CS7} : tcflag_t{CS8};
  if (settings.stop_bits == 2) flags |= CSTOPB;
  if (settings.parity != SerialSettings::Parity::kNone) flags |= PARENB;
  if (settings.parity == SerialSettings::Parity::kOdd) flags |= PARODD;
  return flags;
}

void put_baud(termios2& settings, unsigned baud) {
  settings.c_cflag &= ~tcflag_t{CBAUD | (CBAUD << IBSHIFT)};
  settings.c_cflag |= tcflag_t{BOTHER | (BOTHER << IBSHIFT)};
  settings.c_ispeed = baud;
  settings.c_ospeed = baud;
}

/// Drivers take what they can and tell what they took.
Status check_baud(int fd, unsigned baud) {
  termios2 taken{};
  if (::ioctl(fd, TCGETS2, &taken) != 0) return tty_error("reading a port's settings");
  const unsigned off = taken.c_ospeed > baud ? taken.c_ospeed - baud : baud - taken.c_ospeed;
  if (off <= baud / 100 * kBaudErrorPctMax + 1) return rt::ok();
  return Error{Errc::kInvalid, fmt::format("it cannot do {} baud, only {}", baud, taken.c_ospeed)};
}

}  // namespace

Status set_up_tty(int fd, const SerialSettings& settings) {
  termios2 wanted{};
  if (::ioctl(fd, TCGETS2, &wanted) != 0) return tty_error("reading a port's settings");
  // A character with a wrong parity, and a break, are read as zeros.
  wanted.c_iflag = settings.parity == SerialSettings::Parity::kNone ? tcflag_t{0} : tcflag_t{INPCK};
  wanted.c_oflag = 0;
  wanted.c_lflag = 0;
  wanted.c_cflag = control_flags(settings);
  wanted.c_cc[VMIN] = 1;  // with 0, a read of nothing looks like the end
  wanted.c_cc[VTIME] = 0;
  put_baud(wanted, settings.baud);
  if (::ioctl(fd, TCSETS2, &wanted) != 0) return tty_error("setting up a port");
  if (auto done = check_baud(fd, settings.baud); !done) return done;
  if (::ioctl(fd, TCFLSH, TCIOFLUSH) != 0) return tty_error("emptying a port");
  return rt::ok();
}

Status set_tty_baud(int fd, unsigned baud) {
  if (baud == 0) return Error{Errc::kInvalid, "it cannot do 0 baud"};
  termios2 wanted{};
  if (::ioctl(fd, TCGETS2, &wanted) != 0) return tty_error("reading a port's settings");
  put_baud(wanted, baud);
  if (::ioctl(fd, TCSETS2, &wanted) != 0) return tty_error("setting a port's speed");
  return check_baud(fd, baud);
}

void close_tty(rt::FileDescriptor& tty) {
  if (!tty.is_open()) return;
  ::ioctl(tty.get(), TCFLSH, TCOFLUSH);
  tty.reset();
}

}  // namespace fieldpost::bridge
