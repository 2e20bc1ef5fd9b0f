#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firmware-bridge/ports/real_ports.h"
#include "proto/rt/file_descriptor.h"
#include "proto/rt/system_clock.h"
#include "tests/contract/rigs.h"
#include "tests/support/sim/sim_ports.h"
#include "tests/support/temp_directory.h"

/// Boards at real and simulated ports, for one suite.
namespace fieldpost::test {

using bridge::parse_port_address;
using bridge::Port;
using rt::Errc;
using rt::FileDescriptor;
using Opening = rt::Result<std::unique_ptr<Port>>;

inline void write_all(const FileDescriptor& fd, std::string_view bytes) {
  REQUIRE(::write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
}

inline std::string read_ready(const FileDescriptor& fd) {
  std::array<char, 4096> buffer{};
  std::string bytes;
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got <= 0) return bytes;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

/// A pty behind a link, so that a board that is plugged in again has the same address.
class RealSerialBoard {
 public:
  [[nodiscard]] std::string address() const { return directory_.file("ttyUSB0"); }
  [[nodiscard]] std::string name() const { return address(); }
  [[nodiscard]] std::string directory() const { return directory_.path(); }
  void plug() {
    board_.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    REQUIRE(board_.is_open());
    REQUIRE(::grantpt(board_.get()) == 0);
    REQUIRE(::unlockpt(board_.get()) == 0);
    std::array<char, 64> path{};
    REQUIRE(::ptsname_r(board_.get(), path.data(), path.size()) == 0);
    std::filesystem::create_symlink(path.data(), address());
  }
  void unplug() {
    board_.reset();
    std::filesystem::remove(address());
  }
  void feed(std::string_view bytes) { write_all(board_, bytes); }
  const std::string& sent() { return sent_ += read_ready(board_); }

 private:
  TempDirectory directory_;
  FileDescriptor board_;
  std::string sent_;
};

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A serial server.
class RealTcpBoard {
 public:
  [[nodiscard]] std::string address() const { return "tcp://" + name(); }
  [[nodiscard]] std::string name() const { return "127.0.0.1:" + std::to_string(port_); }
  void plug() {
    const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    server_.reset(::socket(AF_INET, type, 0));
    const int on = 1;
    ::setsockopt(server_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in at = loopback(port_);
    socklen_t size = sizeof at;
    REQUIRE(::bind(server_.get(), reinterpret_cast<const sockaddr*>(&at), size) == 0);
    REQUIRE(::listen(server_.get(), 4) == 0);
    REQUIRE(::getsockname(server_.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
    port_ = ntohs(at.sin_port);
  }
  void unplug() {
    accept();
    server_.reset();
    board_.reset();
  }
  void feed(std::string_view bytes) {
    accept();
    write_all(board_, bytes);
  }
  const std::string& sent() {
    accept();
    return board_.is_open() ? sent_ += read_ready(board_) : sent_;
  }

 private:
  void accept() {
    const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    FileDescriptor peer(::accept4(server_.get(), nullptr, nullptr, flags));
    if (peer.is_open()) board_ = std::move(peer);
  }

  FileDescriptor server_, board_;
  std::string sent_;
  std::uint16_t port_ = 0;
};

struct RealPortsRig : RealRig {
  rt::SystemClock clock;
  std::unique_ptr<bridge::RealPorts> ports = std::make_unique<bridge::RealPorts>(loop, clock);
  RealSerialBoard serial;
  RealTcpBoard tcp;

  [[nodiscard]] static std::string udp_address() { return "udp://127.0.0.1:0"; }
  /// From outside to a listener of ours.
  static void send_datagram(const rt::Listener& to, std::string_view bytes) {
    const FileDescriptor from(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const std::string address = to.address();
    const sockaddr_in at =
        loopback(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    REQUIRE(::sendto(from.get(), bytes.data(), bytes.size(), 0,
                     reinterpret_cast<const sockaddr*>(&at),
                     sizeof at) == static_cast<ssize_t>(bytes.size()));
  }
};

class SimWire {
 public:
  SimWire(sim::SimPorts& ports, std::string address, std::string name)
      : ports_(ports), address_(std::move(address)), name_(std::move(name)) {}
  [[nodiscard]] std::string address() const { return address_; }
  [[nodiscard]] std::string name() const { return name_; }
  void plug() { ports_.plug(address_); }
  void unplug() { ports_.unplug(address_); }
  void feed(const std::string& bytes) { ports_.feed(address_, bytes); }
  const std::string& sent() { return ports_.board(address_).sent; }

 private:
  sim::SimPorts& ports_;
  std::string address_, name_;
};

struct SimPortsRig : SimRig {
  std::unique_ptr<sim::SimPorts> ports = std::make_unique<sim::SimPorts>(loop);
  SimWire serial{*ports, "/dev/ttyUSB0", "/dev/ttyUSB0"};
  SimWire tcp{*ports, "tcp://10.0.0.5:2000", "10.0.0.5:2000"};

  [[nodiscard]] static std::string udp_address() { return "udp://127.0.0.1:0"; }
  void send_datagram(const rt::Listener& to, const std::string& bytes) const {
    CHECK(ports->deliver("udp://" + to.address(), bytes));
  }
};

template <typename Rig>
Opening open_port(Rig& rig, const std::string& address) {
  const auto parsed = parse_port_address(address);
  REQUIRE(parsed.has_value());
  std::optional<Opening> opened;
  int calls = 0;
  rig.ports->open(*parsed, {}, [&](Opening opening) {
    calls += 1;
    opened.emplace(std::move(opening));
  });
  CHECK(calls == 0);  // not from inside
  REQUIRE(rig.run_until([&] { return calls > 0; }));
  CHECK(calls == 1);
  return *std::move(opened);
}

template <typename Rig>
Errc refusal(Rig& rig, const std::string& address) {
  const auto opened = open_port(rig, address);
  REQUIRE_FALSE(opened.has_value());
  CHECK_FALSE(opened.error().message.empty());
  return opened.error().code;
}

/// A port that is open, and all that came over it.
struct Talk {
  template <typename Rig>
  Talk(Rig& rig, const std::string& address) {
    auto opened = open_port(rig, address);
    REQUIRE(opened.has_value());
    port = std::move(*opened);
    port->start({.on_data = [this](const std::string& bytes) { data += bytes; },
                 .on_closed =
                     [this](std::string reason) {
                       closed += 1;
                       why = std::move(reason);
                     }});
  }
  std::unique_ptr<Port> port;
  std::string data;
  std::string why;
  int closed = 0;
};

/// A listener, and the messages that came to it.
struct Ear {
  template <typename Rig>
  Ear(Rig& rig, const std::string& address) {
    const auto parsed = parse_port_address(address);
    REQUIRE(parsed.has_value());
    auto made = rig.ports->listen(
        *parsed, [this](std::string bytes, const std::function<void(rt::Status)>& answer) {
          messages.push_back(std::move(bytes));
          answer(rt::ok());
          if (leaves) listener.reset();
        });
    REQUIRE(made.has_value());
    listener = std::move(*made);
  }
  std::unique_ptr<rt::Listener> listener;
  std::vector<std::string> messages;
  bool leaves = false;  ///< stops listening inside the first message
};

}  // namespace fieldpost::test
