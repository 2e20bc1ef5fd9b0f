#pragma once

#include <string>
#include <vector>

#include "agent/config_sources.h"
#include "agent/spool/spool_front.h"
#include "agent/uplink/uplink.h"
#include "proto/mapping/http_route.h"
#include "proto/rt/config.h"
#include "proto/rt/config_parts.h"

namespace fieldpost::agent {

/// agent.toml, checked. `main` adds what is not configuration: versions, passwords.
struct AgentConfig {
  std::string spool_directory;
  SpoolFrontOptions spool;  ///< its file lies in the directory
  UplinkOptions uplink;
  std::string mqtt_password_file;
  std::string listen_socket;  ///< empty: none
  std::string listen_http;    ///< empty: none
  std::vector<std::string> bridge_sockets;
  std::string runner_socket;  ///< empty: this node runs no jobs
  rt::LogLevel log_level = rt::LogLevel::kInfo;
  std::vector<SourceConfig> sources;       ///< in the file's order
  std::vector<mapping::HttpRoute> routes;  ///< the same; none without listen_http
};

[[nodiscard]] const rt::ConfigSchema& agent_schema();
/// kInvalid names file, line, key and what was expected.
rt::Result<AgentConfig> read_agent_config(const rt::Config& config);

}  // namespace fieldpost::agent
