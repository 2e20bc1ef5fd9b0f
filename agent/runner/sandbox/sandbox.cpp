#include "agent/runner/sandbox/sandbox.h"

#include <fmt/format.h>

namespace fieldpost::agent::runner {
namespace {

constexpr const char* kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Enters the cgroups before "--", then becomes what stands behind it. A sandbox has no way in.
constexpr const char* kEnter =
    R"(while [ "$1" != -- ]; do echo $$ >"$1" || exit 125; shift; done; shift; exec "$@")";

void append(std::vector<std::string>& argv, std::initializer_list<std::string> more) {
  argv.insert(argv.end(), more);
}

void append_entrance(std::vector<std::string>& argv, const SandboxedCommand& command) {
  if (!command.enter.empty()) {
    append(argv, {"/bin/sh", "-c", kEnter, "enter"});
    argv.insert(argv.end(), command.enter.begin(), command.enter.end());
    argv.emplace_back("--");
    return;
  }
  const JobLimits& limits = command.limits;
  if (limits.memory_max == 0 && limits.pids_max == 0) return;
  argv.emplace_back("prlimit");
  if (limits.memory_max != 0) argv.push_back(fmt::format("--as={}", limits.memory_max));
  if (limits.pids_max != 0) argv.push_back(fmt::format("--nproc={}", limits.pids_max));
  argv.emplace_back("--");
}

void append_namespaces(std::vector<std::string>& argv, const SandboxSettings& settings,
                       const SandboxedCommand& command) {
  append(argv, {"bwrap", "--unshare-all"});
  if (command.network) argv.emplace_back("--share-net");
  append(argv, {"--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname",
                "fieldpost", "--tmpfs", "/"});
  for (const std::string& directory : settings.system_directories) {
    append(argv, {"--ro-bind-try", directory, directory});
  }
  // Where /etc/resolv.conf leads on systems with systemd-resolved.
  if (command.network) {
    append(argv, {"--ro-bind-try", "/run/systemd/resolve", "/run/systemd/resolve"});
  }
  append(argv,
         {"--dev", "/dev", "--proc", "/proc", "--dir", "/run", "--symlink", "/tmp", "/var/tmp"});
  for (const SandboxBind& bind : command.binds) {
    append(argv, {bind.writable ? "--bind" : "--ro-bind", bind.from, bind.to});
  }
  append(argv, {"--remount-ro", "/", "--chdir", command.directory, "--"});
}

}  // namespace

std::vector<std::string> sandbox_argv(const SandboxSettings& settings,
                                      const SandboxedCommand& command) {
  std::vector<std::string> argv;
  append_entrance(argv, command);
  if (settings.bubblewrap) append_namespaces(argv, settings, command);
  argv.insert(argv.end(), command.argv.begin(), command.argv.end());
  return argv;
}

const std::string& place_of(const SandboxSettings& settings, const SandboxBind& bind) {
  return settings.bubblewrap ? bind.to : bind.from;
}

std::vector<std::string> plain_environment() {
  return {kPath, "LANG=C.UTF-8"};
}

std::vector<std::string> sandbox_trial(const SandboxSettings& settings) {
  return sandbox_argv(settings, {.argv = {"true"}, .directory = "/"});
}

}  // namespace fieldpost::agent::runner
