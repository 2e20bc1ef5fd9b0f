#pragma once

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"

namespace fieldpost::coordinator {

/// Deleting readings; dry unless it is told otherwise.
void add_deletion_routes(Router& router, Services& services);

}  // namespace fieldpost::coordinator
