#pragma once

#include <memory>

#include "firmware-bridge/ports/port.h"
#include "proto/rt/http.h"

namespace fieldpost::bridge {

inline constexpr std::size_t kHttpMessageBytesMax = 64 << 10;  ///< more: 413
inline constexpr std::size_t kHttpPendingMax = 64;             ///< unanswered messages; more: 503

/// The body of a POST to `address.path` is a message. Its answer is 204, for kInvalid 400, for
/// others 503 with Retry-After. kBusy, kDenied, kInvalid: no address of this host.
rt::Result<std::unique_ptr<rt::Listener>> listen_http(rt::HttpServer& server,
                                                      const PortAddress& address,
                                                      OnMessage on_message);

}  // namespace fieldpost::bridge
