#include "proto/rt/real_streams.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "proto/rt/asio_access.h"
#include "proto/rt/fd_stream_real.h"
#include "proto/rt/unix_socket.h"

namespace fieldpost::rt {

namespace {

using Descriptor = boost::asio::posix::stream_descriptor;

constexpr int kAcceptsATurnMax = 16;
constexpr Millis kNoDescriptorsPause{
    100};  // out of descriptors: accepting again at once would spin

ino_t inode_of(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 ? found.st_ino : 0;
}

bool is_admitted(int fd, const std::optional<RealStreams::Users>& users) {
  if (!users) return true;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return std::find(users->begin(), users->end(), peer.uid) != users->end();
}

/// Held by its operation in flight, too.
class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(RealLoop& loop, FileDescriptor fd, std::optional<RealStreams::Users> users,
           Streams::OnAccept on_accept)
      : loop_(loop),
        fd_(AsioAccess::io_context(loop), fd.release()),
        users_(std::move(users)),
        on_accept_(std::move(on_accept)) {
    fd_.non_blocking(true);
  }

  void arm() {
    if (!fd_.is_open()) return;
    fd_.async_wait(Descriptor::wait_read,
                   [self = shared_from_this()](const boost::system::error_code& failed) {
                     if (failed) return;
                     AsioAccess::turn(self->loop_, [&] { self->accept_some(); });
                   });
  }

  void close() {
    boost::system::error_code ignored;
    fd_.close(ignored);
    loop_.cancel(pause_);
  }

 private:
  void accept_some() {
    for (int i = 0; i < kAcceptsATurnMax && fd_.is_open(); ++i) {
      FileDescriptor peer(::accept4(fd_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!peer.is_open()) {
        if (errno == EMFILE || errno == ENFILE) return pause();
        break;
      }
      if (is_admitted(peer.get(), users_)) on_accept_(make_stream(loop_, std::move(peer)));
    }
    arm();
  }

  void pause() {
    pause_ = loop_.after(kNoDescriptorsPause, [self = shared_from_this()] { self->arm(); });
  }

  RealLoop& loop_;
  Descriptor fd_;
  std::optional<RealStreams::Users> users_;
  Streams::OnAccept on_accept_;
  TimerId pause_ = TimerId::kNone;
};

class UnixListener final : public Listener {
 public:
  UnixListener(std::shared_ptr<Acceptor> acceptor, std::string path)
      : acceptor_(std::move(acceptor)), path_(std::move(path)), inode_(inode_of(path_)) {
    acceptor_->arm();
  }
  ~UnixListener() override {
    acceptor_->close();
    if (inode_of(path_) == inode_) ::unlink(path_.c_str());  // not one that took our place
  }
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;
  [[nodiscard]] std::string address() const override { return path_; }

 private:
  std::shared_ptr<Acceptor> acceptor_;
  std::string path_;
  ino_t inode_;
};

}  // namespace

Result<std::unique_ptr<Listener>> RealStreams::listen_unix(const std::string& path,
                                                           OnAccept on_accept) {
  auto fd = listen_at(path);
  if (!fd) return fd.error();
  auto acceptor = std::make_shared<Acceptor>(loop_, std::move(*fd), users_, std::move(on_accept));
  return std::unique_ptr<Listener>(std::make_unique<UnixListener>(std::move(acceptor), path));
}

Result<std::unique_ptr<Stream>> RealStreams::connect_unix(const std::string& path) {
  auto fd = connect_to(path);
  if (!fd) return fd.error();
  return make_stream(loop_, std::move(*fd));
}

}  // namespace fieldpost::rt
