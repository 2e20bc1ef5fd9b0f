#include "agent/sources/line_socket.h"

#include <fmt/format.h>

#include <utility>

namespace fieldpost::agent {

LineSocket::LineSocket(LinePorts ports) : ports_(ports), intake_(ports.loop, ports.intake) {
  health_.name = "line_socket";
}

rt::Result<std::unique_ptr<LineSocket>> LineSocket::listen(LinePorts ports, rt::Streams& streams,
                                                           const LineSocketConfig& config) {
  std::unique_ptr<LineSocket> source(new LineSocket(ports));
  auto listener =
      streams.listen_unix(config.path, [raw = source.get()](std::unique_ptr<rt::Stream> stream) {
        raw->on_accept(std::move(stream));
      });
  if (!listener) return listener.error();
  source->listener_ = *std::move(listener);
  return source;
}

void LineSocket::on_accept(std::unique_ptr<rt::Stream> stream) {
  const std::size_t count = connections_.size();
  if (count >= kConnectionsMax) {
    health_.errors += 1;
    health_.last_error = fmt::format("more than {} connections", kConnectionsMax);
  }
  if (count >= kConnectionsMax + kRefusedMax) return;
  const std::uint64_t id = ++last_id_;
  const auto connection = std::make_shared<LineConnection>(
      ports_, intake_, std::move(stream), health_, [this, id] { connections_.erase(id); });
  connections_.emplace(id, connection);
  if (count >= kConnectionsMax) {
    connection->refuse(fmt::format("too many connections, {} are open", kConnectionsMax));
  } else {
    connection->start();
  }
}

}  // namespace fieldpost::agent
