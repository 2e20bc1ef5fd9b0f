#include "firmware-bridge/ports/serial_port.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "firmware-bridge/ports/port_claim.h"
#include "firmware-bridge/ports/stream_port.h"
#include "firmware-bridge/ports/tty_settings.h"
#include "proto/rt/errno_error.h"
#include "proto/rt/fd_stream_real.h"

namespace fieldpost::bridge {
namespace {

using rt::Errc;
using rt::Error;
using rt::FileDescriptor;
using rt::Result;
using rt::Status;

constexpr rt::Millis kResetPulse{250};  // as long as avrdude makes it

Error at_path(const std::string& path, const Error& error) {
  return {error.code, fmt::format("{}: {}", path, error.message)};
}

/// The tty beside its stream, for what is no bytes. The same open file: the stream's end closes
/// both.
class Lines {
 public:
  Lines(rt::RealLoop& loop, FileDescriptor fd) : loop_(loop), fd_(std::move(fd)) {}
  ~Lines() { close(); }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  [[nodiscard]] bool is_open() const { return fd_.is_open(); }
  [[nodiscard]] int fd() const { return fd_.get(); }

  Status pulse() {
    if (!set(TIOCMBIC)) {
      return errno == ENOTTY || errno == EINVAL
                 ? Status(Error{Errc::kInvalid, "it has no DTR and RTS"})
                 : Status(rt::errno_error(errno, "setting DTR and RTS"));
    }
    loop_.cancel(pulse_);
    pulse_ = loop_.after(kResetPulse, [this] {
      pulse_ = rt::TimerId::kNone;
      static_cast<void>(set(TIOCMBIS));
    });
    return rt::ok();
  }

  /// A pulse that is under way ends now: a board must not be held in its reset.
  void close() {
    if (pulse_ != rt::TimerId::kNone) {
      static_cast<void>(set(TIOCMBIS));
      loop_.cancel(std::exchange(pulse_, rt::TimerId::kNone));
    }
    fd_.reset();
  }

 private:
  bool set(unsigned long request) {
    const int lines = TIOCM_DTR | TIOCM_RTS;
    return ::ioctl(fd_.get(), request, &lines) == 0;
  }

  rt::RealLoop& loop_;
  FileDescriptor fd_;
  rt::TimerId pulse_ = rt::TimerId::kNone;
};

class SerialPort final : public StreamPort {
 public:
  SerialPort(std::unique_ptr<rt::Stream> stream, std::shared_ptr<Lines> lines, std::string path)
      : StreamPort(std::move(stream), std::move(path), "has gone: was it pulled out?"),
        lines_(std::move(lines)) {}
  ~SerialPort() override { lines_->close(); }
  SerialPort(const SerialPort&) = delete;
  SerialPort& operator=(const SerialPort&) = delete;

  void start(Handlers handlers) override {
    // Closed before it is told, so that the port can be opened anew at once.
    handlers.on_closed = [lines = lines_, told = std::move(handlers.on_closed)](std::string why) {
      lines->close();
      if (told) told(std::move(why));
    };
    StreamPort::start(std::move(handlers));
  }

  Status set_baud(unsigned baud) override {
    return named([&] { return set_tty_baud(lines_->fd(), baud); });
  }
  Status reset_board() override {
    return named([&] { return lines_->pulse(); });
  }

 private:
  template <typename Do>
  Status named(Do todo) {
    if (!lines_->is_open()) return Error{Errc::kUnavailable, name() + " is closed"};
    auto done = todo();
    if (done) return done;
    return at_path(name(), done.error());
  }

  std::shared_ptr<Lines> lines_;
};

}  // namespace

Result<std::unique_ptr<Port>> open_serial_port(rt::RealLoop& loop, const std::string& path,
                                               const SerialSettings& settings,
                                               const DeviceTrees& trees) {
  auto fd = claim_tty(path, settings, trees);
  if (!fd) return fd.error();
  FileDescriptor beside(::fcntl(fd->get(), F_DUPFD_CLOEXEC, 0));
  if (!beside.is_open()) return rt::errno_error(errno, "opening " + path);
  auto lines = std::make_shared<Lines>(loop, std::move(beside));
  return std::unique_ptr<Port>(
      std::make_unique<SerialPort>(rt::make_stream(loop, *std::move(fd)), std::move(lines), path));
}

}  // namespace fieldpost::bridge
