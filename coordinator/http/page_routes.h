#pragma once

#include "coordinator/http/router.h"

namespace fieldpost::coordinator {

/// The page at /, its script and style, and /api/v1/openapi.json: texts that are built in.
void add_page_routes(Router& router);

}  // namespace fieldpost::coordinator
