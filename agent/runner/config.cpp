#include "agent/runner/config.h"

#include <fmt/format.h>

#include <algorithm>

#include "proto/rt/config_parts.h"

namespace fieldpost::agent::runner {
namespace {

using rt::ConfigKey;
using rt::ConfigSection;
using rt::ConfigType;

bool is_absolute(std::string_view text) {
  return text.size() > 1 && text.front() == '/';
}

/// What would make a job see the directories of others, or ours.
bool is_system_directory(std::string_view text) {
  constexpr std::string_view kOthers[] = {"/build", "/step", "/tmp", "/out",
                                          "/cache", "/dev",  "/proc"};
  return is_absolute(text) && std::ranges::find(kOthers, text) == std::end(kOthers);
}

bool is_protocol(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

std::vector<ConfigKey> place_keys() {
  return {{.name = "state",
           .preset = "/var/lib/fieldpost/runner",
           .meaning = "a directory, made if it is not there",
           .is_valid = is_absolute,
           .expectation = "an absolute path"},
          {.name = "socket",
           .preset = "/run/fieldpost-runner/runner.sock",
           .meaning = "unix socket for the agent",
           .is_valid = is_absolute,
           .expectation = "an absolute path"},
          {.name = "agent_user",
           .preset = "fieldpost-agent",
           .meaning = "who may use the socket, beside root",
           .is_valid = [](std::string_view text) { return !text.empty(); },
           .expectation = "the name of a user"},
          {.name = "slots",
           .type = ConfigType::kInteger,
           .preset = "1",
           .least = "1",
           .most = "16",
           .meaning = "jobs that run at a time"}};
}

std::vector<ConfigKey> sandbox_keys() {
  return {{.name = "sandbox",
           .preset = "required",
           .meaning = "bubblewrap around jobs; none: they see what this user sees",
           .choices = {"required", "none"}},
          {.name = "system_directories",
           .type = ConfigType::kList,
           .preset = "/usr,/bin,/sbin,/lib,/lib32,/lib64,/libx32,/etc,/opt,/var/lib/dpkg",
           .meaning = "what jobs see of this machine, and cannot write to",
           .is_valid = is_system_directory,
           .expectation = "an absolute path, none that jobs have of their own"},
          {.name = "memory_max",
           .type = ConfigType::kBytes,
           .preset = "0B",
           .meaning = "of a job at most, and of one that says nothing; 0B: no bound"},
          {.name = "pids_max",
           .type = ConfigType::kInteger,
           .preset = "4096",
           .least = "0",
           .most = "4194304",
           .meaning = "processes and threads of a job, likewise; 0: no bound"},
          {.name = "cpu_percent",
           .type = ConfigType::kInteger,
           .preset = "0",
           .least = "0",
           .most = "102400",
           .meaning = "of one processor, likewise; 0: no bound"},
          {.name = "cache_bytes_max",
           .type = ConfigType::kBytes,
           .preset = "4GiB",
           .meaning = "what jobs keep for each other; 0B: nothing"},
          {.name = "git_protocols",
           .type = ConfigType::kList,
           .preset = "https,ssh",
           .meaning = "that repositories may be fetched by",
           .is_valid = is_protocol,
           .expectation = "a protocol of git, such as \"https\""}};
}

ConfigSection runner_section() {
  ConfigSection section{.name = "runner", .keys = place_keys()};
  for (ConfigKey& key : sandbox_keys()) section.keys.push_back(std::move(key));
  return section;
}

}  // namespace

const rt::ConfigSchema& runner_schema() {
  static const rt::ConfigSchema schema = {runner_section(), rt::log_section()};
  return schema;
}

rt::Result<RunnerConfig> read_runner_config(const rt::Config& config) {
  const rt::ConfigTable& table = config.section("runner");
  RunnerConfig runner;
  runner.state_directory = table.text("state");
  runner.control_socket = table.text("socket");
  runner.agent_user = table.text("agent_user");
  runner.slots = static_cast<std::size_t>(table.integer("slots"));
  runner.sandbox_required = table.text("sandbox") == "required";
  runner.system_directories = table.list("system_directories");
  runner.limits = {table.bytes("memory_max"), static_cast<std::uint64_t>(table.integer("pids_max")),
                   static_cast<std::uint64_t>(table.integer("cpu_percent"))};
  runner.cache_bytes_max = table.bytes("cache_bytes_max");
  runner.git_protocols = fmt::format("{}", fmt::join(table.list("git_protocols"), ":"));
  for (const std::string& each : runner.system_directories) {
    const std::string below = each + "/";
    if (runner.state_directory != each && !runner.state_directory.starts_with(below)) continue;
    return table.error("system_directories",
                       fmt::format("expected none that holds {}: jobs would see each other's "
                                   "secrets in {}",
                                   runner.state_directory, each));
  }
  runner.log_level = rt::read_log_level(config.section("log"));
  return runner;
}

}  // namespace fieldpost::agent::runner
