#include "firmware-bridge/ports/real_ports.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "firmware-bridge/ports/http_listener.h"
#include "firmware-bridge/ports/port_claim.h"
#include "firmware-bridge/ports/serial_port.h"
#include "firmware-bridge/ports/tcp_port.h"
#include "firmware-bridge/ports/udp_listener.h"

namespace fieldpost::bridge {

using rt::Errc;
using rt::Error;
using rt::Result;

Result<std::string> find_serial_path(const PortAddress& address, const DeviceTrees& trees) {
  const auto located = locate_serial(address, trees);
  if (!located) return located;
  std::error_code failed;
  const auto path = std::filesystem::canonical(*located, failed);
  if (!failed) return path.string();
  return Error{Errc::kNotFound, *located + " is not there: is it plugged in?"};
}

RealPorts::RealPorts(rt::RealLoop& loop, const rt::WallClock& clock, DeviceTrees trees)
    : loop_(loop), http_(loop, clock), trees_(std::move(trees)) {}

void RealPorts::open(const PortAddress& address, const SerialSettings& settings, OnOpen on_open) {
  FP_CHECK(!address.is_listened_at());
  const std::weak_ptr<bool> alive = alive_;
  if (address.kind == PortAddress::Kind::kTcp) {
    return open_tcp_port(loop_, address,
                         [alive, on_open = std::move(on_open)](Result<std::unique_ptr<Port>> port) {
                           if (!alive.expired()) on_open(std::move(port));
                         });
  }
  loop_.post([this, alive, address, settings, on_open = std::move(on_open)] {
    if (!alive.expired()) on_open(open_serial(address, settings));
  });
}

Result<std::unique_ptr<Port>> RealPorts::open_serial(const PortAddress& address,
                                                     const SerialSettings& settings) const {
  const auto path = locate_serial(address, trees_);
  if (!path) return path.error();
  return open_serial_port(loop_, *path, settings, trees_);
}

Result<std::unique_ptr<rt::Listener>> RealPorts::listen(const PortAddress& address,
                                                        OnMessage on_message) {
  FP_CHECK(address.is_listened_at());
  return address.kind == PortAddress::Kind::kUdp
             ? listen_udp(loop_, address, std::move(on_message))
             : listen_http(http_, address, std::move(on_message));
}

}  // namespace fieldpost::bridge
