#pragma once

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"

namespace fieldpost::coordinator {

/// /api/v1/experiments/{id}/exports: asked for, followed, taken away. `services` outlives the
/// router.
void add_export_routes(Router& router, Services& services);

}  // namespace fieldpost::coordinator
