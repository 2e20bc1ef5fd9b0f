#pragma once

#include "proto/rt/real_loop.h"
#include "proto/rt/streams.h"

namespace fieldpost::rt {

/// Unix sockets of the operating system.
class RealStreams final : public Streams {
 public:
  explicit RealStreams(RealLoop& loop) : loop_(loop) {}
  Result<std::unique_ptr<Listener>> listen_unix(const std::string& path,
                                                OnAccept on_accept) override;
  Result<std::unique_ptr<Stream>> connect_unix(const std::string& path) override;

 private:
  RealLoop& loop_;
};

}  // namespace fieldpost::rt
