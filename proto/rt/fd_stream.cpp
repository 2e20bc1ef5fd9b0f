#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "proto/rt/asio_access.h"
#include "proto/rt/errno_error.h"
#include "proto/rt/fd_stream_real.h"

namespace fieldpost::rt {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;

namespace {

/// More than a pipe holds; whoever writes on and on is not waited for.
constexpr int kDrainChunksMax = 16;

std::size_t ready_bytes(int fd) {
  int ready = 0;
  if (::ioctl(fd, FIONREAD, &ready) != 0 || ready <= 0) return 1;  // one byte tells end from error
  return std::min(static_cast<std::size_t>(ready), kReadChunkBytes);
}

class PortStream final : public Stream {
 public:
  explicit PortStream(std::shared_ptr<FdStream> stream) : stream_(std::move(stream)) {}
  ~PortStream() override { stream_->drop(); }
  PortStream(const PortStream&) = delete;
  PortStream& operator=(const PortStream&) = delete;
  void start(Handlers handlers) override { stream_->start(std::move(handlers)); }
  void set_reading(bool reading) override { stream_->set_reading(reading); }
  void send(std::string bytes) override { stream_->send(std::move(bytes)); }
  [[nodiscard]] std::size_t unsent() const override { return stream_->unsent(); }
  void close_after_send() override { stream_->close_after_send(); }

 private:
  std::shared_ptr<FdStream> stream_;
};

}  // namespace

FdStream::FdStream(RealLoop& loop, FileDescriptor fd)
    : loop_(loop), fd_(AsioAccess::io_context(loop), fd.release()) {
  fd_.non_blocking(true);
}

void FdStream::start(Stream::Handlers handlers) {
  handlers_ = std::move(handlers);
  started_ = true;
  arm_read();
}

void FdStream::set_reading(bool reading) {
  reading_ = reading;
  arm_read();
}

void FdStream::arm_read() {
  if (!is_open() || !started_ || !reading_ || ended_ || closing_ || read_armed_) return;
  read_armed_ = true;
  fd_.async_wait(Descriptor::wait_read,
                 [self = shared_from_this()](const boost::system::error_code& failed) {
                   self->read_armed_ = false;
                   if (failed || !self->is_open()) return;
                   AsioAccess::turn(self->loop_, [&] { self->read_once(); });
                 });
}

void FdStream::read_once() {
  if (reading_ && !closing_) read_chunk();
  arm_read();
}

/// false: nothing has come, or nothing more will.
bool FdStream::read_chunk() {
  std::string bytes(ready_bytes(fd_.native_handle()), '\0');
  const ssize_t got = ::read(fd_.native_handle(), bytes.data(), bytes.size());
  if (got > 0) {
    bytes.resize(static_cast<std::size_t>(got));
    handlers_.on_data(std::move(bytes));
    return is_open();
  }
  if (got == 0) {
    end();
  } else if (errno != EAGAIN && errno != EINTR) {
    close(errno_error(errno, "reading a stream").message);
  }
  return false;
}

void FdStream::drain_now() {
  for (int chunk = 0; chunk < kDrainChunksMax && is_open() && !ended_; ++chunk) {
    if (!read_chunk()) return;
  }
}

void FdStream::end() {
  ended_ = true;
  if (!handlers_.on_end) return close("");
  handlers_.on_end();
}

void FdStream::send(std::string bytes) {
  if (!is_open() || closing_ || bytes.empty()) return;
  unsent_ += bytes.size();
  queue_.push_back(std::move(bytes));
  arm_write();
}

void FdStream::arm_write() {
  if (!is_open() || write_armed_) return;
  write_armed_ = true;
  fd_.async_wait(Descriptor::wait_write,
                 [self = shared_from_this()](const boost::system::error_code& failed) {
                   self->write_armed_ = false;
                   if (failed || !self->is_open()) return;
                   AsioAccess::turn(self->loop_, [&] { self->flush(); });
                 });
}

void FdStream::flush() {
  while (!queue_.empty()) {
    const std::string& front = queue_.front();
    const ssize_t done =
        ::write(fd_.native_handle(), front.data() + sent_of_front_, front.size() - sent_of_front_);
    if (done < 0 && (errno == EAGAIN || errno == EINTR)) return arm_write();
    if (done < 0) return close(errno_error(errno, "writing to a stream").message);
    unsent_ -= static_cast<std::size_t>(done);
    sent_of_front_ += static_cast<std::size_t>(done);
    if (sent_of_front_ < front.size()) continue;
    queue_.pop_front();
    sent_of_front_ = 0;
  }
  if (closing_) close("");
}

void FdStream::close_after_send() {
  closing_ = true;
  arm_write();  // also when nothing is queued: on_closed is not called from inside this call
}

void FdStream::close(const std::string& why) {
  drop();
  if (handlers_.on_closed) handlers_.on_closed(why);
}

void FdStream::drop() {
  boost::system::error_code ignored;
  fd_.close(ignored);
  queue_.clear();
  unsent_ = 0;
}

std::unique_ptr<Stream> make_stream(RealLoop& loop, FileDescriptor fd) {
  return std::make_unique<PortStream>(std::make_shared<FdStream>(loop, std::move(fd)));
}

}  // namespace fieldpost::rt
