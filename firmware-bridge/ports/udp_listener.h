#pragma once

#include <memory>

#include "firmware-bridge/ports/port.h"
#include "proto/rt/real_loop.h"

namespace fieldpost::bridge {

/// Each datagram is a message; answers are dropped, for nothing waits for them. kBusy, kDenied,
/// kInvalid: `address.host` is no address of this host.
rt::Result<std::unique_ptr<rt::Listener>> listen_udp(rt::RealLoop& loop, const PortAddress& address,
                                                     OnMessage on_message);

}  // namespace fieldpost::bridge
