#pragma once

#include <memory>
#include <vector>

#include "agent/sources/line_pump.h"
#include "agent/sources/source.h"
#include "proto/mapping/route_door.h"
#include "proto/mapping/topic_pattern.h"
#include "proto/rt/http.h"

namespace fieldpost::agent {

/// Every [[http_route]], at the agent's HTTP address. In the file's order: the first that has path
/// and method counts. Durable. Loop thread.
class HttpRoutes {
 public:
  /// kInvalid as mapping::check_route says.
  static rt::Result<std::unique_ptr<HttpRoutes>> make(
      const LinePorts& ports, const std::vector<mapping::HttpRoute>& routes);

  /// Answers the request, if only with 405, and true; or false and nothing is taken: no route has
  /// its path.
  bool try_handle(rt::HttpRequest& request, const std::shared_ptr<rt::HttpResponder>& responder);
  /// One for each route; they may outlive this.
  [[nodiscard]] std::vector<std::unique_ptr<Source>> make_sources() const;

 private:
  struct Route {
    mapping::TopicPattern path;
    std::shared_ptr<mapping::RouteDoor> door;
  };
  std::vector<Route> routes_;
};

}  // namespace fieldpost::agent
