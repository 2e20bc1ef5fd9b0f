#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/coordinator.h"
#include "coordinator/ingest/ingest.h"
#include "proto/mapping/http_route.h"
#include "proto/rt/config.h"
#include "proto/rt/config_parts.h"

namespace fieldpost::coordinator {

/// coordinator.toml, checked. `main` adds what is not configuration: versions, passwords.
struct CoordinatorConfig {
  CoordinatorOptions options;
  StoreOptions store;
  std::string store_directory;
  std::string mqtt_password_file;
  std::string listen_http;      ///< never empty
  std::string sensor_defaults;  ///< a file; empty: none
  std::vector<mapping::HttpRoute> routes;
  rt::LogLevel log_level = rt::LogLevel::kInfo;
};

[[nodiscard]] const rt::ConfigSchema& coordinator_schema();
/// kInvalid names file, line, key and what was expected.
rt::Result<CoordinatorConfig> read_coordinator_config(const rt::Config& config);

}  // namespace fieldpost::coordinator
