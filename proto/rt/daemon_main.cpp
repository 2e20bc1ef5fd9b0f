#include "proto/rt/daemon_main.h"

#include <fmt/format.h>

#include <cstdio>
#include <string_view>

#include "fieldpost_version.h"
#include "proto/rt/system_files.h"

extern char** environ;  // NOLINT: POSIX

namespace fieldpost::rt {

namespace {

constexpr std::string_view kUsage =
    "usage: {0} [--config FILE] [--set section.key=value]... [check-config]\n"
    "\n"
    "{1}\n"
    "\n"
    "  --config FILE            configuration, TOML (default {2}; none there: all defaults)\n"
    "  --set section.key=value  overrides one key; so does FIELDPOST_SECTION__KEY\n"
    "  check-config             prints the effective configuration, secrets masked, and ends\n"
    "  --version                prints version and commit\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 usage, 77 not permitted, 78 configuration.\n"
    "SIGHUP reads the configuration again; SIGTERM and SIGINT end the program.\n";

int usage_error(const DaemonProgram& program, const std::string& what) {
  fmt::print(stderr, "{}: {}; see {} --help\n", program.name, what, program.name);
  return kExitUsage;
}

/// The file's text; empty when the default file is not there.
Result<std::string> read_file(const std::string& path, bool must_exist) {
  SystemFiles files;
  auto text = files.read(path, 0, kConfigBytesMax + 1);
  if (!text && text.error().code == Errc::kNotFound && !must_exist) return std::string();
  return text;
}

std::vector<std::pair<std::string, std::string>> read_environment() {
  std::vector<std::pair<std::string, std::string>> out;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view text(*each);
    const std::size_t at = text.find('=');
    if (!text.starts_with("FIELDPOST_") || at == std::string_view::npos) continue;
    out.emplace_back(text.substr(0, at), text.substr(at + 1));
  }
  return out;
}

}  // namespace

std::string version_text() {
  return fmt::format("{} ({})", kVersion, kCommit);
}

std::optional<DaemonCommand> read_command_line(const DaemonProgram& program, int argc, char** argv,
                                               int& exit_code) {
  DaemonCommand command;
  command.config_file = program.config_default;
  bool check_only = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg == "--help" || arg == "-h") {
      fmt::print(fmt::runtime(kUsage), program.name, program.purpose, program.config_default);
      exit_code = kExitDone;
      return std::nullopt;
    }
    if (arg == "--version") {
      fmt::print("{} {}\n", program.name, version_text());
      exit_code = kExitDone;
      return std::nullopt;
    }
    if (arg == "check-config") {
      check_only = true;
    } else if ((arg == "--config" || arg == "--set") && i + 1 == argc) {
      exit_code = usage_error(program, fmt::format("{} needs a value", arg));
      return std::nullopt;
    } else if (arg == "--config") {
      command.config_file = argv[++i];
      command.config_file_named = true;
    } else if (arg == "--set") {
      command.sources.sets.emplace_back(argv[++i]);
    } else {
      exit_code = usage_error(program, fmt::format("unknown argument {}", arg));
      return std::nullopt;
    }
  }
  auto text = read_file(command.config_file, command.config_file_named);
  if (!text) {
    fmt::print(stderr, "{}: {}\n", program.name, text.error().message);
    exit_code = kExitConfig;
    return std::nullopt;
  }
  command.sources.file_name = command.config_file;
  command.sources.file_text = std::move(*text);
  command.sources.environment = read_environment();
  auto config = load_config(*program.schema, command.sources);
  Status fits = config ? program.check(*config) : Status(config.error());
  if (!fits) {
    fmt::print(stderr, "{}: {}\n", program.name, fits.error().message);
    exit_code = kExitConfig;
    return std::nullopt;
  }
  command.config = std::move(*config);
  if (check_only) {
    fmt::print("{}", to_toml(*program.schema, command.config));
    exit_code = kExitDone;
    return std::nullopt;
  }
  return command;
}

Result<Config> reload_config(const ConfigSchema& schema, const DaemonCommand& command) {
  ConfigSources sources = command.sources;
  auto text = read_file(command.config_file, command.config_file_named);
  if (!text) return text.error();
  sources.file_text = std::move(*text);
  sources.environment = read_environment();
  return load_config(schema, sources);
}

}  // namespace fieldpost::rt
