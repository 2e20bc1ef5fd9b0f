#pragma once

#include <string>

#include "firmware-bridge/ports/port.h"
#include "proto/rt/real_loop.h"

namespace fieldpost::bridge {

inline constexpr rt::Seconds kTcpConnectMax{10};  ///< from the name to the connection

/// Connects to a kTcp address; only a name waits for name servers. `on_open` is called once, not
/// from inside; kUnavailable says whether the name is not known, nobody listens, or nothing
/// answers. Keepalives notice within a minute that the other side has vanished.
void open_tcp_port(rt::RealLoop& loop, const PortAddress& address, Ports::OnOpen on_open);

}  // namespace fieldpost::bridge
