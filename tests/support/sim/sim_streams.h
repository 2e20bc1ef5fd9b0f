#pragma once

#include <map>
#include <memory>
#include <string>

#include "proto/rt/streams.h"
#include "tests/support/sim/sim_loop.h"

namespace fieldpost::sim {

/// Unix sockets of one simulated machine. What a killed process held is closed as its objects go.
class SimStreams final : public rt::Streams {
 public:
  explicit SimStreams(SimLoop& loop) : loop_(loop) {}
  rt::Result<std::unique_ptr<rt::Listener>> listen_unix(const std::string& path,
                                                        OnAccept on_accept) override;
  rt::Result<std::unique_ptr<rt::Stream>> connect_unix(const std::string& path) override;
  /// The file of a listener that was killed stays; nobody listens there.
  void leave_behind(const std::string& path) { doors_->emplace(path, nullptr); }

 private:
  using Doors = std::map<std::string, OnAccept>;  ///< empty: a file without a listener

  SimLoop& loop_;
  std::shared_ptr<Doors> doors_ = std::make_shared<Doors>();
};

}  // namespace fieldpost::sim
