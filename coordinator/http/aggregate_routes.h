#pragma once

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"

namespace fieldpost::coordinator {

/// /api/v1/readings/aggregate, /api/v1/readings/last
void add_aggregate_routes(Router& router, Services& services);

}  // namespace fieldpost::coordinator
