#pragma once

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"

namespace fieldpost::coordinator {

/// GET /api/v1/blobs, /api/v1/blobs/last and /api/v1/blobs/{sha256}.
void add_blob_routes(Router& router, Services& services);

}  // namespace fieldpost::coordinator
