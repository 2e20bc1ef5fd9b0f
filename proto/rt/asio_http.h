#pragma once

#include "proto/rt/clock.h"
#include "proto/rt/http.h"
#include "proto/rt/real_loop.h"

namespace fieldpost::rt {

/// HTTP/1.1 over TCP on the daemon's own loop. Loop and clock outlive it and its listeners.
class AsioHttpServer final : public HttpServer {
 public:
  AsioHttpServer(RealLoop& loop, const WallClock& clock) : loop_(loop), clock_(clock) {}
  Result<std::unique_ptr<HttpListener>> listen(const HttpServerOptions& options,
                                               HttpHandler handler) override;

 private:
  RealLoop& loop_;
  const WallClock& clock_;
};

}  // namespace fieldpost::rt
