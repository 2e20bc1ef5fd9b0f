#pragma once

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"

namespace fieldpost::coordinator {

/// /api/v1/sensor_configs. `services` outlives the router.
void add_config_routes(Router& router, Services& services);

}  // namespace fieldpost::coordinator
