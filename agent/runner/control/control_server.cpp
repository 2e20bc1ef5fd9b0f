#include "agent/runner/control/control_server.h"

#include <fmt/format.h>

#include <utility>

#include "agent/runner/control/control_connection.h"

namespace fieldpost::agent::runner {

ControlServer::ControlServer(Parts parts) : parts_(std::move(parts)) {}

ControlServer::~ControlServer() = default;

rt::Result<std::unique_ptr<ControlServer>> ControlServer::listen(Parts parts, rt::Streams& streams,
                                                                 const std::string& path) {
  std::unique_ptr<ControlServer> server(new ControlServer(std::move(parts)));
  auto listener =
      streams.listen_unix(path, [raw = server.get()](std::unique_ptr<rt::Stream> stream) {
        raw->on_accept(std::move(stream));
      });
  if (!listener) return listener.error();
  server->listener_ = *std::move(listener);
  return server;
}

void ControlServer::on_accept(std::unique_ptr<rt::Stream> stream) {
  const std::size_t count = connections_.size();
  if (count >= kConnectionsMax) refused_ += 1;
  if (count >= kConnectionsMax + kRefusedMax) return;
  const std::uint64_t id = ++last_id_;
  auto connection = std::make_unique<ControlConnection>(parts_, std::move(stream),
                                                        [this, id] { drop_later(id); });
  ControlConnection& added = *connections_.emplace(id, std::move(connection)).first->second;
  if (count >= kConnectionsMax) {
    added.refuse(fmt::format("{} clients are connected already", kConnectionsMax));
  } else {
    added.start();
  }
}

/// The stream is in the middle of its call.
void ControlServer::drop_later(std::uint64_t id) {
  parts_.loop.post([this, id, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) connections_.erase(id);
  });
}

}  // namespace fieldpost::agent::runner
