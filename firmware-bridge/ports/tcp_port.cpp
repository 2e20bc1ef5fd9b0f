#include "firmware-bridge/ports/tcp_port.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <utility>

#include "firmware-bridge/ports/stream_port.h"
#include "proto/rt/asio_access.h"
#include "proto/rt/fd_stream_real.h"

namespace fieldpost::bridge {
namespace {

using boost::asio::ip::tcp;
using rt::AsioAccess;
using rt::Errc;
using rt::Error;

constexpr int kKeepaliveIdleS = 10;    // silence before the first probe
constexpr int kKeepaliveEveryS = 5;    // between probes
constexpr int kKeepaliveProbes = 4;    // unanswered ones until the end
constexpr int kUnackedMaxMs = 30'000;  // what was sent stands unconfirmed for at most so long

void set_option(int fd, int level, int option, int value) {
  static_cast<void>(::setsockopt(fd, level, option, &value, sizeof value));
}

void set_options(int fd) {
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepaliveIdleS);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepaliveEveryS);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes);
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kUnackedMaxMs);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

/// One attempt. Its operations hold it; whatever comes first, the connection, a failure or the
/// timer, ends it.
class TcpAttempt : public std::enable_shared_from_this<TcpAttempt> {
 public:
  TcpAttempt(rt::RealLoop& loop, const PortAddress& address, Ports::OnOpen on_open)
      : loop_(loop),
        host_(address.host),
        port_(address.port),
        name_(address.host_port()),
        on_open_(std::move(on_open)),
        resolver_(AsioAccess::io_context(loop)),
        socket_(AsioAccess::io_context(loop)) {}

  void start() {
    timer_ = loop_.after(kTcpConnectMax, [self = shared_from_this()] {
      self->timer_ = rt::TimerId::kNone;
      self->fail(
          self->resolved_
              ? fmt::format("{} does not answer: is it on, and reachable from here?", self->name_)
              : fmt::format("{}: no name server answers", self->name_));
    });
    // One thread asks for all names, in order: behind a name server that does not answer an
    // address would wait until its time is over.
    boost::system::error_code is_name;
    const auto ip = boost::asio::ip::make_address(host_, is_name);
    if (!is_name) {
      return connect(tcp::resolver::results_type::create(tcp::endpoint(ip, port_), host_, ""));
    }
    resolver_.async_resolve(host_, std::to_string(port_),
                            [self = shared_from_this()](const boost::system::error_code& failed,
                                                        const tcp::resolver::results_type& found) {
                              AsioAccess::turn(self->loop_,
                                               [&] { self->on_resolved(failed, found); });
                            });
  }

 private:
  void on_resolved(const boost::system::error_code& failed,
                   const tcp::resolver::results_type& found) {
    if (!on_open_) return;
    if (failed) {
      return fail(fmt::format("{}: the name {} is not found: {}", name_, host_, failed.message()));
    }
    connect(found);
  }

  void connect(const tcp::resolver::results_type& found) {
    resolved_ = true;
    boost::asio::async_connect(
        socket_, found,
        [self = shared_from_this()](const boost::system::error_code& broken, const tcp::endpoint&) {
          AsioAccess::turn(self->loop_, [&] { self->on_connected(broken); });
        });
  }

  void on_connected(const boost::system::error_code& failed) {
    if (!on_open_) return;
    if (failed == boost::asio::error::connection_refused) {
      return fail(fmt::format("nobody listens at {}: does the serial server run?", name_));
    }
    if (failed) return fail(fmt::format("connecting to {}: {}", name_, failed.message()));
    boost::system::error_code not_released;
    rt::FileDescriptor fd(socket_.release(not_released));
    if (not_released)
      return fail(fmt::format("connecting to {}: {}", name_, not_released.message()));
    set_options(fd.get());
    end(std::unique_ptr<Port>(std::make_unique<StreamPort>(rt::make_stream(loop_, std::move(fd)),
                                                           name_, "closed the connection")));
  }

  void fail(std::string why) { end(Error{Errc::kUnavailable, std::move(why)}); }

  void end(rt::Result<std::unique_ptr<Port>> result) {
    loop_.cancel(std::exchange(timer_, rt::TimerId::kNone));
    resolver_.cancel();
    boost::system::error_code ignored;
    socket_.close(ignored);
    const auto on_open = std::exchange(on_open_, nullptr);
    on_open(std::move(result));
  }

  rt::RealLoop& loop_;
  std::string host_;
  std::uint16_t port_;
  std::string name_;
  Ports::OnOpen on_open_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  rt::TimerId timer_ = rt::TimerId::kNone;
  bool resolved_ = false;
};

}  // namespace

void open_tcp_port(rt::RealLoop& loop, const PortAddress& address, Ports::OnOpen on_open) {
  std::make_shared<TcpAttempt>(loop, address, std::move(on_open))->start();
}

}  // namespace fieldpost::bridge
