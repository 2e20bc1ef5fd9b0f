#pragma once

#include <functional>
#include <optional>
#include <string>

#include "proto/rt/config.h"
#include "proto/rt/config_schema.h"

/// What the main functions of all daemons share: command line, configuration, exit codes.
namespace fieldpost::rt {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitDenied = 77;
inline constexpr int kExitConfig = 78;

/// "0.1.0 (commit)".
[[nodiscard]] std::string version_text();

struct DaemonCommand {
  Config config;
  ConfigSources sources;  ///< to read it again on SIGHUP
  std::string config_file;
  bool config_file_named = false;  ///< by --config: it must be there
};

struct DaemonProgram {
  std::string name;            ///< "fieldpost-agent"
  std::string purpose;         ///< one line for --help
  std::string config_default;  ///< "/etc/fieldpost/agent.toml"
  const ConfigSchema* schema = nullptr;
  /// kInvalid when the values do not fit together.
  std::function<Status(const Config&)> check;
};

/// Reads the command line: `--config FILE`, `--set section.key=value`, `--version`, `--help`,
/// `check-config`. Returns the command, or the exit code when there is nothing more to do; messages
/// are printed.
[[nodiscard]] std::optional<DaemonCommand> read_command_line(const DaemonProgram& program, int argc,
                                                             char** argv, int& exit_code);

/// Reads the file and the environment of `command` again. kInvalid names what is wrong; kNotFound:
/// a file that was named is gone.
[[nodiscard]] Result<Config> reload_config(const ConfigSchema& schema,
                                           const DaemonCommand& command);

}  // namespace fieldpost::rt
