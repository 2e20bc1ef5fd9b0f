#pragma once

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"

namespace fieldpost::coordinator {

/// /api/v1/experiments: what they are and where they stand. `services` outlives the router.
void add_experiment_routes(Router& router, Services& services);
/// Their participants, operators and tasks.
void add_member_routes(Router& router, Services& services);
/// Their recordings, progress and buttons.
void add_recording_routes(Router& router, Services& services);
/// Their logbooks.
void add_logbook_routes(Router& router, Services& services);

}  // namespace fieldpost::coordinator
