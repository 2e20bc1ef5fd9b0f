#include "proto/rt/daemon_main.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "fieldpost_version.h"
#include "proto/rt/config_parts.h"
#include "proto/rt/system_files.h"

extern char** environ;  // NOLINT: POSIX

namespace fieldpost::rt {

namespace {

constexpr std::string_view kUsage =
    "usage: {0} [--config FILE] [--set section.key=value]... [VERB]\n"
    "\n"
    "{1}\n"
    "\n"
    "  --config FILE            configuration, TOML (default {2}; none there: all defaults)\n"
    "  --set section.key=value  overrides one key; so does FIELDPOST_SECTION__KEY\n"
    "  --version                prints version and commit\n"
    "\n"
    "Without a verb it runs until SIGTERM or SIGINT; SIGHUP reads the configuration again.\n";

constexpr std::string_view kExitCodes =
    "\nExit codes: 0 done, 1 failed, 2 usage, 77 not permitted, 78 configuration.\n";

std::string words_of(const VerbOption& option) {
  return option.name.starts_with('-') ? fmt::format("{} {}", option.name, option.value)
                                      : option.value;
}

constexpr std::size_t kVerbColumn = 24;  ///< where the meaning of a verb begins

void print_help(const DaemonProgram& program, const std::vector<DaemonVerb>& verbs) {
  fmt::print(fmt::runtime(kUsage), program.name, program.purpose, program.config_default);
  for (const DaemonVerb& verb : verbs) {
    std::string words = verb.name;
    for (const VerbOption& option : verb.options) {
      words += fmt::format(fmt::runtime(option.required ? " {}" : " [{}]"), words_of(option));
    }
    for (const std::string& flag : verb.flags) words += fmt::format(" [{}]", flag);
    if (words.size() > kVerbColumn) words += fmt::format("\n  {:<{}}", "", kVerbColumn);
    fmt::print("  {:<{}} {}\n", words, kVerbColumn, verb.meaning);
  }
  fmt::print("{}", kExitCodes);
}

/// The verbs of all daemons, and this one's own.
std::vector<DaemonVerb> verbs_of(const DaemonProgram& program) {
  const auto check = [&program](const DaemonCommand& command) {
    fmt::print("{}", command.has("--json") ? to_json(*program.schema, command.config) + "\n"
                                           : to_toml(*program.schema, command.config));
    return kExitDone;
  };
  std::vector<DaemonVerb> verbs = {
      {"check-config", "prints the effective configuration, secrets masked", {"--json"}, check}};
  verbs.insert(verbs.end(), program.verbs.begin(), program.verbs.end());
  return verbs;
}

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

/// The arguments of a command line, taken one after the other.
class Arguments {
 public:
  Arguments(int argc, char** argv) : left_(argv + 1, argv + argc) {}
  [[nodiscard]] bool empty() const { return at_ == left_.size(); }
  std::string take() { return std::string(left_[at_++]); }
  [[nodiscard]] std::string_view next() const { return left_[at_]; }

  /// Whether the next is option `name`: its value is the next but one, or stands behind a `=`.
  /// kInvalid: it has none.
  Result<bool> take_option(std::string_view name, std::string& value) {
    const std::string_view next = left_[at_];
    if (!next.starts_with(name)) return false;
    if (next.size() == name.size()) {
      if (at_ + 1 == left_.size()) {
        return Error{Errc::kInvalid, fmt::format("{} needs a value", name)};
      }
      value = left_[at_ + 1];
      at_ += 2;
      return true;
    }
    if (next[name.size()] != '=') return false;
    value = next.substr(name.size() + 1);
    at_ += 1;
    return true;
  }

 private:
  std::vector<std::string_view> left_;
  std::size_t at_ = 0;
};

const DaemonVerb* find_verb(const std::vector<DaemonVerb>& verbs, const std::string& name) {
  const auto found = std::find_if(verbs.begin(), verbs.end(),
                                  [&](const DaemonVerb& verb) { return verb.name == name; });
  return found == verbs.end() ? nullptr : &*found;
}

/// Whether the next is an option of the verb, or its argument.
Result<bool> take_verb_option(Arguments& arguments, const DaemonVerb& verb,
                              DaemonCommand& command) {
  for (const VerbOption& option : verb.options) {
    std::string value;
    if (option.name.starts_with('-')) {
      const auto taken = arguments.take_option(option.name, value);
      if (!taken || !*taken) {
        if (!taken) return taken;
        continue;
      }
    } else if (arguments.next().starts_with('-')) {
      continue;
    } else {
      value = arguments.take();
    }
    if (!command.values.emplace(option.name, value).second) {
      return Error{Errc::kInvalid, fmt::format("{} is there twice", option.name)};
    }
    return true;
  }
  return false;
}

/// Takes one argument into `command`. kInvalid: nothing like that is known.
Status take_argument(Arguments& arguments, const std::vector<DaemonVerb>& verbs,
                     DaemonCommand& command) {
  std::string value;
  const auto config = arguments.take_option("--config", value);
  if (!config) return config.error();
  if (*config) {
    command.config_file = value;
    command.config_file_named = true;
    return ok();
  }
  const auto set = arguments.take_option("--set", value);
  if (!set) return set.error();
  if (*set) {
    command.sources.sets.push_back(value);
    return ok();
  }
  if (const DaemonVerb* verb = find_verb(verbs, command.verb)) {
    const auto taken = take_verb_option(arguments, *verb, command);
    if (!taken) return taken.error();
    if (*taken) return ok();
  }
  const std::string argument = arguments.take();
  if (argument.starts_with('-')) {
    command.flags.push_back(argument);
    return ok();
  }
  if (find_verb(verbs, argument) == nullptr || !command.verb.empty()) {
    return Error{Errc::kInvalid, fmt::format("unknown argument {}", argument)};
  }
  command.verb = argument;
  return ok();
}

/// kInvalid: flags that the verb does not take, or an option that it needs is not there.
Status check_flags(const DaemonCommand& command, const DaemonVerb* verb) {
  for (std::size_t i = 0; verb != nullptr && i < verb->options.size(); ++i) {
    const VerbOption& option = verb->options[i];
    if (!option.required || command.values.contains(option.name)) continue;
    return Error{Errc::kInvalid, fmt::format("{} needs {}", verb->name, words_of(option))};
  }
  for (const std::string& flag : command.flags) {
    const bool taken = verb != nullptr &&
                       std::find(verb->flags.begin(), verb->flags.end(), flag) != verb->flags.end();
    if (!taken) return Error{Errc::kInvalid, fmt::format("unknown argument {}", flag)};
  }
  return ok();
}

Status load(const DaemonProgram& program, DaemonCommand& command) {
  command.sources.file_name = command.config_file;
  auto config = reload_config(*program.schema, command);
  if (!config) return config.error();
  if (auto fits = check_config(program, *config); !fits) return fits;
  command.config = *std::move(config);
  return ok();
}

}  // namespace

UnixTime build_time() {
  return UnixTime{} + Seconds(kBuiltS);
}

std::string version_text() {
  return fmt::format("{} ({})", kVersion, kCommit);
}

int exit_code_of(Errc code) {
  if (code == Errc::kDenied) return kExitDenied;
  return code == Errc::kInvalid ? kExitConfig : kExitFailed;
}

bool DaemonCommand::has(std::string_view flag) const {
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

const std::string* DaemonCommand::value(std::string_view option) const {
  const auto found = values.find(option);
  return found == values.end() ? nullptr : &found->second;
}

std::optional<DaemonCommand> read_command_line(const DaemonProgram& program, int argc, char** argv,
                                               int& exit_code) {
  const std::vector<DaemonVerb> verbs = verbs_of(program);
  DaemonCommand command;
  command.config_file = program.config_default;
  Arguments arguments(argc, argv);
  while (!arguments.empty()) {
    if (auto taken = take_argument(arguments, verbs, command); !taken) {
      exit_code = usage_error(program, taken.error().message);
      return std::nullopt;
    }
  }
  exit_code = kExitDone;
  if (command.has("--help") || command.has("-h")) {
    print_help(program, verbs);
    return std::nullopt;
  }
  if (command.has("--version")) {
    fmt::print("{} {}\n", program.name, version_text());
    return std::nullopt;
  }
  const DaemonVerb* verb = find_verb(verbs, command.verb);
  if (auto fits = check_flags(command, verb); !fits) {
    exit_code = usage_error(program, fits.error().message);
    return std::nullopt;
  }
  if (auto loaded = load(program, command); !loaded) {
    fmt::print(stderr, "{}: {}\n", program.name, loaded.error().message);
    exit_code = loaded.error().code == Errc::kDenied ? kExitDenied : kExitConfig;
    return std::nullopt;
  }
  if (verb == nullptr) return command;
  exit_code = verb->run(command);
  return std::nullopt;
}

Result<Config> reload_config(const ConfigSchema& schema, const DaemonCommand& command) {
  ConfigSources sources = command.sources;
  auto text = read_file(command.config_file, command.config_file_named);
  if (!text) return text.error();
  sources.file_text = std::move(*text);
  sources.environment = read_environment();
  return load_config(schema, sources);
}

Status check_config(const DaemonProgram& program, const Config& config) {
  if (auto fits = program.check(config); !fits) return fits;
  SystemFiles files;
  return check_files(*program.schema, config, files);
}

}  // namespace fieldpost::rt
