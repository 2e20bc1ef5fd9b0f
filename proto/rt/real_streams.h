#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "proto/rt/real_loop.h"
#include "proto/rt/streams.h"

namespace fieldpost::rt {

/// Unix sockets of the operating system.
class RealStreams final : public Streams {
 public:
  using Users = std::vector<unsigned>;
  /// Whoever connects and is none of `users` (by SO_PEERCRED) is hung up on; without them, whoever
  /// may open the socket may connect.
  explicit RealStreams(RealLoop& loop, std::optional<Users> users = std::nullopt)
      : loop_(loop), users_(std::move(users)) {}
  Result<std::unique_ptr<Listener>> listen_unix(const std::string& path,
                                                OnAccept on_accept) override;
  Result<std::unique_ptr<Stream>> connect_unix(const std::string& path) override;

 private:
  RealLoop& loop_;
  std::optional<Users> users_;
};

}  // namespace fieldpost::rt
