#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/runner/job/job.h"
#include "proto/rt/config.h"
#include "proto/rt/log.h"

namespace fieldpost::agent::runner {

/// runner.toml, checked.
struct RunnerConfig {
  std::string state_directory;
  std::string control_socket;
  std::string agent_user;
  std::size_t slots = 1;
  bool sandbox_required = true;
  std::vector<std::string> system_directories;
  JobLimits limits;
  std::uint64_t cache_bytes_max = 0;
  std::string git_protocols;  ///< with colons between
  rt::LogLevel log_level = rt::LogLevel::kInfo;
};

[[nodiscard]] const rt::ConfigSchema& runner_schema();
/// kInvalid names file, line, key and what was expected.
rt::Result<RunnerConfig> read_runner_config(const rt::Config& config);

}  // namespace fieldpost::agent::runner
