#include "firmware-bridge/ports/port_claim.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "firmware-bridge/ports/port_diagnosis.h"
#include "firmware-bridge/ports/port_owner.h"
#include "firmware-bridge/ports/port_rights.h"
#include "firmware-bridge/ports/tty_settings.h"
#include "proto/rt/errno_error.h"

namespace fieldpost::bridge {

using rt::Errc;
using rt::Error;
using rt::FileDescriptor;
using rt::Result;
using rt::Status;

namespace {

Error busy(const std::string& path) {
  return {Errc::kBusy,
          fmt::format("{} is in use by {}", path, name_port_owner(find_port_owner(path)))};
}

Error open_error(int code, const std::string& path) {
  switch (code) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case EIO: return {Errc::kNotFound, path + " is not there: is it plugged in?"};
    case EBUSY: return busy(path);
    default: return rt::errno_error(code, "opening " + path);
  }
}

/// The kernel keeps others out, but not root's processes, and not those that were here before. It
/// forgets that when a tty is closed, but a pty is not as long as its other end is open: a bridge
/// that was killed would shut out the next.
Status make_ours(int fd, const std::string& path) {
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK ? busy(path) : rt::errno_error(errno, "locking " + path);
  }
  const auto owner = find_port_owner(path);
  if (owner && owner->pid != ::getpid()) return busy(path);
  struct stat found {};
  if (::fstat(fd, &found) == 0 && is_pty(found.st_rdev)) return rt::ok();
  if (::ioctl(fd, TIOCEXCL) == 0) return rt::ok();
  return rt::errno_error(errno, "keeping others out of " + path);
}

}  // namespace

Result<std::string> locate_serial(const PortAddress& address, const DeviceTrees& trees) {
  FP_CHECK(address.is_serial());
  if (address.kind == PortAddress::Kind::kSerial) return address.path;
  return choose_usb_port(address, list_serial_ports(trees));
}

Result<FileDescriptor> claim_tty(const std::string& path, const SerialSettings& settings,
                                 const DeviceTrees& trees) {
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!fd.is_open() && (errno == EACCES || errno == EPERM)) {
    return Error{Errc::kDenied, explain_denied(look_at_rights(path, trees))};
  }
  if (!fd.is_open()) return open_error(errno, path);
  if (::isatty(fd.get()) == 0 && errno == ENOTTY) {
    return Error{Errc::kInvalid, path + " is no serial port"};
  }
  if (auto ours = make_ours(fd.get(), path); !ours) return ours.error();
  if (auto done = set_up_tty(fd.get(), settings); !done) {
    return Error{done.error().code, path + ": " + done.error().message};
  }
  return fd;
}

}  // namespace fieldpost::bridge
