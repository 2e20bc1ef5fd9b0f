#include "firmware-bridge/ports/udp_listener.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/ip/udp.hpp>
#include <cerrno>
#include <utility>

#include "proto/rt/asio_access.h"
#include "proto/rt/errno_error.h"

namespace fieldpost::bridge {
namespace {

using boost::asio::ip::udp;
using rt::AsioAccess;
using rt::Errc;
using rt::Error;
using rt::Result;

constexpr std::size_t kDatagramBytesMax = 64 * 1024;  // UDP has room for less
constexpr int kDatagramsATurnMax = 64;
constexpr rt::Millis kFailedPause{100};  // after the kernel had no memory: at once would spin

/// Reads until it is closed. Held by its operation in flight, so it may be closed by a message.
class Receiver : public std::enable_shared_from_this<Receiver> {
 public:
  Receiver(rt::RealLoop& loop, udp::socket socket, OnMessage on_message)
      : loop_(loop), socket_(std::move(socket)), on_message_(std::move(on_message)) {}

  void arm() {
    if (!socket_.is_open()) return;
    socket_.async_wait(udp::socket::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& failed) {
                         if (failed || !self->socket_.is_open()) return;
                         AsioAccess::turn(self->loop_, [&] { self->read_some(); });
                       });
  }

  void close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
    if (pause_ != rt::TimerId::kNone) loop_.cancel(std::exchange(pause_, rt::TimerId::kNone));
  }

 private:
  void read_some() {
    for (int i = 0; i < kDatagramsATurnMax && socket_.is_open(); ++i) {
      const ssize_t got =
          ::recv(socket_.native_handle(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
      if (got < 0) return pause();
      on_message_(std::string(buffer_.data(), static_cast<std::size_t>(got)),
                  [](const rt::Status&) {});
    }
    arm();
  }

  void pause() {
    pause_ = loop_.after(kFailedPause, [self = shared_from_this()] {
      self->pause_ = rt::TimerId::kNone;
      self->arm();
    });
  }

  rt::RealLoop& loop_;
  udp::socket socket_;
  OnMessage on_message_;
  rt::TimerId pause_ = rt::TimerId::kNone;
  std::array<char, kDatagramBytesMax> buffer_{};
};

class UdpListener final : public rt::Listener {
 public:
  UdpListener(std::shared_ptr<Receiver> receiver, std::string address)
      : receiver_(std::move(receiver)), address_(std::move(address)) {}
  ~UdpListener() override { receiver_->close(); }
  UdpListener(const UdpListener&) = delete;
  UdpListener& operator=(const UdpListener&) = delete;
  [[nodiscard]] std::string address() const override { return address_; }

 private:
  std::shared_ptr<Receiver> receiver_;
  std::string address_;
};

Result<udp::endpoint> endpoint_of(const PortAddress& address) {
  boost::system::error_code failed;
  const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
  const auto ip = boost::asio::ip::make_address(host, failed);
  if (!failed) return udp::endpoint(ip, address.port);
  return Error{Errc::kInvalid, fmt::format("expected an address of this host to listen on, such as "
                                           "udp://127.0.0.1:4000, not {}",
                                           address.text())};
}

Error listen_error(const boost::system::error_code& failed, const PortAddress& address) {
  if (failed.value() == EADDRINUSE) {
    return {Errc::kBusy, fmt::format("another socket listens on {}: ss -ulpn shows whose it is",
                                     address.text())};
  }
  Error error = rt::errno_error(failed.value(), "listening on " + address.text());
  if (failed.value() == EADDRNOTAVAIL) error.code = Errc::kInvalid;
  return error;
}

std::string name_of(const udp::endpoint& endpoint) {
  PortAddress address;
  address.host = endpoint.address().to_string();
  address.port = endpoint.port();
  return address.host_port();
}

}  // namespace

Result<std::unique_ptr<rt::Listener>> listen_udp(rt::RealLoop& loop, const PortAddress& address,
                                                 OnMessage on_message) {
  const auto endpoint = endpoint_of(address);
  if (!endpoint) return endpoint.error();
  udp::socket socket(AsioAccess::io_context(loop));
  boost::system::error_code failed;
  socket.open(endpoint->protocol(), failed);
  if (!failed) socket.bind(*endpoint, failed);
  if (failed) return listen_error(failed, address);
  const std::string name = name_of(socket.local_endpoint(failed));
  auto receiver = std::make_shared<Receiver>(loop, std::move(socket), std::move(on_message));
  receiver->arm();
  return std::unique_ptr<rt::Listener>(std::make_unique<UdpListener>(std::move(receiver), name));
}

}  // namespace fieldpost::bridge
