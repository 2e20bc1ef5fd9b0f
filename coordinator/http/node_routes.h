#pragma once

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"

namespace fieldpost::coordinator {

/// /api/v1/nodes, one node, its commands; /api/v1/gaps
void add_node_routes(Router& router, Services& services);

}  // namespace fieldpost::coordinator
