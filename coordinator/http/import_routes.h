#pragma once

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"

namespace fieldpost::coordinator {

/// /api/v1/imports: files that are brought in.
void add_import_routes(Router& router, Services& services);

}  // namespace fieldpost::coordinator
