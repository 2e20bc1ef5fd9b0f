#include "firmware-bridge/ports/serial_port.h"

#include <fcntl.h>
#include <fmt/format.h>

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

Error at_path(const std::string& path, const Error& error) {
  return {error.code, fmt::format("{}: {}", path, error.message)};
}

class SerialPort final : public StreamPort {
 public:
  /// `tty`: the same open file as the stream's; the stream's end closes both.
  SerialPort(std::unique_ptr<rt::Stream> stream, FileDescriptor tty, std::string path)
      : StreamPort(std::move(stream), std::move(path), "has gone: was it pulled out?"),
        tty_(std::make_shared<FileDescriptor>(std::move(tty))) {}
  ~SerialPort() override { close_tty(*tty_); }
  SerialPort(const SerialPort&) = delete;
  SerialPort& operator=(const SerialPort&) = delete;

  void start(Handlers handlers) override {
    // Closed before it is told, so that the port can be opened anew at once.
    handlers.on_closed = [tty = tty_, told = std::move(handlers.on_closed)](std::string why) {
      if (why.empty()) tty->reset();  // it was asked to send first
      close_tty(*tty);
      if (told) told(std::move(why));
    };
    StreamPort::start(std::move(handlers));
  }

  Status set_baud(unsigned baud) override {
    if (!tty_->is_open()) return Error{Errc::kUnavailable, name() + " is closed"};
    auto done = set_tty_baud(tty_->get(), baud);
    if (done) return done;
    return at_path(name(), done.error());
  }

 private:
  std::shared_ptr<FileDescriptor> tty_;
};

}  // namespace

Result<std::unique_ptr<Port>> open_serial_port(rt::RealLoop& loop, const std::string& path,
                                               const SerialSettings& settings,
                                               const DeviceTrees& trees) {
  auto fd = claim_tty(path, settings, trees);
  if (!fd) return fd.error();
  FileDescriptor beside(::fcntl(fd->get(), F_DUPFD_CLOEXEC, 0));
  if (!beside.is_open()) return rt::errno_error(errno, "opening " + path);
  return std::unique_ptr<Port>(
      std::make_unique<SerialPort>(rt::make_stream(loop, *std::move(fd)), std::move(beside), path));
}

}  // namespace fieldpost::bridge
