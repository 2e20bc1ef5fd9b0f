#include "proto/rt/spawn_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <vector>

#include "proto/rt/errno_error.h"

namespace fieldpost::rt {

namespace {

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

Result<Pipe> open_pipe() {
  int ends[2] = {};
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error(errno, "opening a pipe");
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::string_view key_of(std::string_view entry) {
  return entry.substr(0, entry.find('='));
}

/// Ours, with what is added in the place of what it names.
std::vector<std::string> environment_of(const SpawnOptions& options) {
  const std::vector<std::string>& added = options.environment;
  std::vector<std::string> all = added;
  if (options.only_this_environment) return all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const auto same = [&](const std::string& a) { return key_of(a) == key_of(*entry); };
    if (std::find_if(added.begin(), added.end(), same) == added.end()) all.emplace_back(*entry);
  }
  return all;
}

class Attributes {
 public:
  Attributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  [[nodiscard]] const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

class Actions {
 public:
  Actions(int out, int err, const std::string& directory) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, err, STDERR_FILENO);
    // A library's socket in a child would outlive us, and the broker would not publish our will.
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    if (!directory.empty()) posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str());
  }
  ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

}  // namespace

Result<SpawnedProcess> spawn_process(const SpawnOptions& options) {
  if (options.argv.empty()) return Error{Errc::kInvalid, "starting a process: no program named"};
  auto out = open_pipe();
  if (!out) return out.error();
  auto err = open_pipe();
  if (!err) return err.error();
  std::vector<std::string> argv = options.argv;
  // posix_spawn has no word for it; setpriv (util-linux) is on every Debian.
  if (options.dies_with_us) argv.insert(argv.begin(), {"setpriv", "--pdeathsig", "KILL", "--"});
  std::vector<std::string> environment = environment_of(options);
  const Attributes attributes;
  // The other pipe then has no writer, and ends at once.
  const int stderr_end = options.stderr_to_stdout ? out->write_end.get() : err->write_end.get();
  const Actions actions(out->write_end.get(), stderr_end, options.directory);
  SpawnedProcess process;
  const int failed = ::posix_spawnp(&process.pid, argv[0].c_str(), actions.get(), attributes.get(),
                                    pointers_to(argv).data(), pointers_to(environment).data());
  if (failed != 0) return errno_error(failed, fmt::format("starting {}", argv[0]));
  process.out = std::move(out->read_end);
  process.err = std::move(err->read_end);
  return process;
}

}  // namespace fieldpost::rt
