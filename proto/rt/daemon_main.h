#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/config.h"
#include "proto/rt/config_schema.h"
#include "proto/rt/time.h"

/// What the main functions of all daemons share: command line, configuration, exit codes.
namespace fieldpost::rt {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitDenied = 77;
inline constexpr int kExitConfig = 78;

/// "0.1.0 (commit)".
[[nodiscard]] std::string version_text();
/// When this program's source was committed: no clock that is right stands before it.
[[nodiscard]] UnixTime build_time();
/// Of what keeps a daemon from starting.
[[nodiscard]] int exit_code_of(Errc code);

struct DaemonCommand {
  Config config;
  ConfigSources sources;  ///< to read it again on SIGHUP
  std::string config_file;
  bool config_file_named = false;  ///< by --config: it must be there
  std::string verb;                ///< empty: run
  std::vector<std::string> flags;  ///< of the verb
  /// Of the verb's options, and its argument under its name.
  std::map<std::string, std::string, std::less<>> values;
  [[nodiscard]] bool has(std::string_view flag) const;
  /// nullptr: it was not given.
  [[nodiscard]] const std::string* value(std::string_view option) const;
};

/// What a verb takes beside flags.
struct VerbOption {
  std::string name;   ///< "--image", with a value; without dashes it stands alone
  std::string value;  ///< what the help calls its value: "FILE"
  bool required = false;
};

/// What a daemon's program does instead of running.
struct DaemonVerb {
  std::string name;                ///< "doctor"
  std::string meaning;             ///< one line for --help
  std::vector<std::string> flags;  ///< that it takes
  std::function<int(const DaemonCommand&)> run;
  std::vector<VerbOption> options{};  ///< at most one of them stands alone
};

struct DaemonProgram {
  std::string name;            ///< "fieldpost-agent"
  std::string purpose;         ///< one line for --help
  std::string config_default;  ///< "/etc/fieldpost/agent.toml"
  const ConfigSchema* schema = nullptr;
  /// kInvalid when the values do not fit together.
  std::function<Status(const Config&)> check;
  std::vector<DaemonVerb> verbs;  ///< besides check-config
};

/// Reads the command line: `--config FILE`, `--set section.key=value`, `--version`, `--help`,
/// `check-config` and the program's own verbs, which it runs. Returns the command to run as a
/// daemon, or the exit code when there is nothing more to do; messages are printed.
[[nodiscard]] std::optional<DaemonCommand> read_command_line(const DaemonProgram& program, int argc,
                                                             char** argv, int& exit_code);

/// Reads the file and the environment of `command` again. kInvalid names what is wrong; kNotFound:
/// a file that was named is gone; kDenied: it may not be read.
[[nodiscard]] Result<Config> reload_config(const ConfigSchema& schema,
                                           const DaemonCommand& command);
/// Whether the program could start with it: kInvalid, or kDenied for a file that may not be read.
Status check_config(const DaemonProgram& program, const Config& config);

}  // namespace fieldpost::rt
