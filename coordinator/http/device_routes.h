#pragma once

#include <memory>
#include <vector>

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"
#include "proto/mapping/route_door.h"

namespace fieldpost::coordinator {

/// Every [[http_route]] of the configuration. They are the site's own: openapi.json does not list
/// them.
class DeviceRoutes {
 public:
  /// Routes that the configuration's check let pass.
  explicit DeviceRoutes(Services& services);
  /// After what the program answers itself.
  void add_to(Router& router);
  /// Counters of each route; none when there are no routes.
  [[nodiscard]] std::vector<Metric> metrics() const;

 private:
  std::vector<std::unique_ptr<mapping::RouteDoor>> doors_;
};

}  // namespace fieldpost::coordinator
