#pragma once

#include <string>
#include <vector>

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"

namespace fieldpost::coordinator {

/// Text exposition format 0.0.4 of Prometheus.
[[nodiscard]] std::string format_metrics(const std::vector<Metric>& metrics);

/// /healthz, /readyz, /metrics
void add_health_routes(Router& router, Services& services);

}  // namespace fieldpost::coordinator
