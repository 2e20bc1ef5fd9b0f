#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/mapping/http_route.h"
#include "proto/rt/config.h"

namespace fieldpost::mapping {

enum class RouteNode : std::uint8_t {
  kOwn,     ///< the program is a node
  kChosen,  ///< a key of each route
};

/// [[http_route]].
[[nodiscard]] rt::ConfigSection http_route_section(RouteNode node);

/// All of them, in the file's order. `own_paths`: what the program answers itself; a route that
/// begins as one of them does is refused. kInvalid names file, line, key and what was expected.
rt::Result<std::vector<HttpRoute>> read_http_routes(const rt::Config& config,
                                                    const std::vector<std::string>& own_paths);

}  // namespace fieldpost::mapping
