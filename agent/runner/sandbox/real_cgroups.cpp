#include "agent/runner/sandbox/real_cgroups.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <optional>

#include "proto/rt/errno_error.h"

namespace fieldpost::agent::runner {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;
constexpr std::uint64_t kCpuPeriodUs = 100'000;
constexpr const char* kOurs = "/runner";  ///< v2: the group of the runner itself
constexpr const char* kPrefix = "/job-";  ///< of a job's
constexpr const char* kRunnerV1 = "/fieldpost-runner";
constexpr int kKillRoundsMax = 16;

std::string directory(const std::string& base, const std::string& job) {
  return base + kPrefix + job;
}

rt::Status make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return rt::ok();
  return rt::errno_error(errno, "making the cgroup " + path);
}

/// The value behind `key` in lines of "key value".
std::uint64_t number_of(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') continue;
    std::uint64_t value = 0;
    std::from_chars(line.data() + key.size() + 1, line.data() + line.size(), value);
    return value;
  }
  return 0;
}

/// Where /proc/self/cgroup says that we are: of a controller of version 1, or of version 2 ("").
std::optional<std::string> own_path(std::string_view text, std::string_view controller) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string names = "," + std::string(line.substr(first + 1, second - first - 1)) + ",";
    const bool found = controller.empty()
                           ? names == ",,"
                           : names.find(fmt::format(",{},", controller)) != std::string::npos;
    if (!found) continue;
    const std::string_view path = line.substr(second + 1);
    return path == "/" ? "" : std::string(path);
  }
  return std::nullopt;
}

/// How many namespaces of processes it is in: those inside of a sandbox have two numbers or more.
int depth_of(rt::Files& files, int process) {
  const auto status = files.read(fmt::format("/proc/{}/status", process), 0, kFileBytesMax);
  if (!status) return 0;
  const std::size_t begin = status->find("NSpid:");
  if (begin == std::string::npos) return 1;
  const std::string line = status->substr(begin, status->find('\n', begin) - begin);
  return static_cast<int>(std::ranges::count(line, '\t'));
}

}  // namespace

RealCgroups RealCgroups::open(rt::Files& files, std::string& why_not, const std::string& root) {
  RealCgroups groups(files);
  const auto v2 = groups.open_v2(root);
  if (v2) return groups;
  groups.bases_.clear();
  const auto v1 = groups.open_v1(root);
  why_not = fmt::format("version 2: {}{}", v2.error().message,
                        v1 ? "" : "; version 1: " + v1.error().message);
  if (v1) return groups;
  groups.bases_.clear();
  return groups;
}

rt::Status RealCgroups::open_v2(const std::string& root) {
  if (auto info = files_->info(root + "/cgroup.controllers"); !info) return info.error();
  const auto text = files_->read("/proc/self/cgroup", 0, kFileBytesMax);
  if (!text) return text.error();
  std::string path = own_path(*text, "").value_or("");
  if (path.ends_with(kOurs)) path.resize(path.size() - std::string_view(kOurs).size());
  const std::string base = root + path;
  if (auto done = make_directory(base + kOurs); !done) return done;
  // A group that gives bounds to those in it may hold no process itself.
  const std::string self = std::to_string(::getpid());
  if (auto done = write(base + kOurs + "/cgroup.procs", self); !done) return done;
  if (auto done = write(base + "/cgroup.subtree_control", "+memory +pids +cpu"); !done) return done;
  bases_ = {base};
  kind_ = CgroupKind::kV2;
  return rt::ok();
}

rt::Status RealCgroups::open_v1(const std::string& root) {
  const auto text = files_->read("/proc/self/cgroup", 0, kFileBytesMax);
  if (!text) return text.error();
  for (const char* controller : {"memory", "pids", "cpu"}) {
    const std::string top = fmt::format("{}/{}", root, controller);
    const auto path = own_path(*text, controller);
    const auto info = files_->info(top + "/cgroup.procs");
    if (!path || !info) {
      return rt::Error{rt::Errc::kNotFound, fmt::format("there is no hierarchy {}", top)};
    }
    const std::string base = top + *path + kRunnerV1;
    if (auto done = make_directory(base); !done) return done;
    bases_.push_back(base);
  }
  kind_ = CgroupKind::kV1;
  return rt::ok();
}

rt::Status RealCgroups::write(const std::string& path, std::string_view value) {
  return files_->write_at(path, 0, value, 0644);
}

rt::Result<std::vector<std::string>> RealCgroups::make(const std::string& job,
                                                       const JobLimits& limits) {
  std::vector<std::string> enter;
  for (const std::string& base : bases_) {
    const std::string group = directory(base, job);
    if (auto done = make_directory(group); !done) return done.error();
    enter.push_back(group + "/cgroup.procs");
  }
  if (auto done = set_bounds(job, limits); !done) return done.error();
  return enter;
}

rt::Status RealCgroups::set_bounds(const std::string& job, const JobLimits& limits) {
  if (kind_ == CgroupKind::kNone) return rt::ok();
  std::vector<std::pair<std::string, std::string>> values;
  const std::string memory = directory(bases_.front(), job);
  const bool is_v2 = kind_ == CgroupKind::kV2;
  const std::string pids = is_v2 ? memory : directory(bases_[1], job);
  const std::string cpu = is_v2 ? memory : directory(bases_[2], job);
  if (limits.memory_max != 0) {
    const std::string bytes = std::to_string(limits.memory_max);
    values.emplace_back(memory + (is_v2 ? "/memory.max" : "/memory.limit_in_bytes"), bytes);
    // Without swap accounting, there is no such file, and swap is not bounded.
    const std::string swap = memory + (is_v2 ? "/memory.swap.max" : "/memory.memsw.limit_in_bytes");
    if (files_->info(swap)) values.emplace_back(swap, is_v2 ? "0" : bytes);
    if (is_v2) values.emplace_back(memory + "/memory.oom.group", "1");
  }
  if (limits.pids_max != 0) {
    values.emplace_back(pids + "/pids.max", std::to_string(limits.pids_max));
  }
  if (limits.cpu_percent != 0) {
    const std::uint64_t quota = limits.cpu_percent * kCpuPeriodUs / 100;
    if (is_v2) {
      values.emplace_back(cpu + "/cpu.max", fmt::format("{} {}", quota, kCpuPeriodUs));
    } else {
      values.emplace_back(cpu + "/cpu.cfs_period_us", std::to_string(kCpuPeriodUs));
      values.emplace_back(cpu + "/cpu.cfs_quota_us", std::to_string(quota));
    }
  }
  for (const auto& [path, value] : values) {
    if (auto done = write(path, value); !done) return done;
  }
  return rt::ok();
}

std::vector<int> RealCgroups::processes(const std::string& job) const {
  std::vector<int> out;
  if (bases_.empty()) return out;
  const auto text =
      files_->read(directory(bases_.front(), job) + "/cgroup.procs", 0, kFileBytesMax);
  if (!text) return out;
  const char* at = text->data();
  const char* end = at + text->size();
  while (at < end) {
    int process = 0;
    const auto [next, failed] = std::from_chars(at, end, process);
    if (failed != std::errc()) break;
    // 0: of a namespace that we do not see.
    if (process > 0) out.push_back(process);
    at = next + 1;
  }
  return out;
}

void RealCgroups::signal(const std::string& job, int signal_number) {
  if (kind_ == CgroupKind::kNone) return;
  if (signal_number == SIGKILL && kind_ == CgroupKind::kV2) {
    if (write(directory(bases_.front(), job) + "/cgroup.kill", "1")) return;
    // Before Linux 5.14 there is no such file.
  }
  std::vector<int> all = processes(job);
  if (signal_number != SIGKILL) {
    int deepest = 0;
    for (const int each : all) deepest = std::max(deepest, depth_of(*files_, each));
    if (deepest > 1) {
      std::erase_if(all, [&](int each) { return depth_of(*files_, each) < 2; });
    }
    for (const int each : all) ::kill(each, signal_number);
    return;
  }
  // Those that were made meanwhile are in the next round.
  for (int round = 0; round < kKillRoundsMax && !all.empty(); ++round) {
    for (const int each : all) ::kill(each, SIGKILL);
    all = processes(job);
  }
}

std::uint64_t RealCgroups::oom_kills(const std::string& job) const {
  if (kind_ == CgroupKind::kNone) return 0;
  const char* name = kind_ == CgroupKind::kV2 ? "/memory.events" : "/memory.oom_control";
  const auto text = files_->read(directory(bases_.front(), job) + name, 0, kFileBytesMax);
  return text ? number_of(*text, "oom_kill") : 0;
}

rt::Status RealCgroups::remove(const std::string& job) {
  for (const std::string& base : bases_) {
    const std::string group = directory(base, job);
    if (::rmdir(group.c_str()) != 0 && errno != ENOENT) {
      return rt::errno_error(errno, "removing the cgroup " + group);
    }
  }
  return rt::ok();
}

std::vector<std::string> RealCgroups::list() const {
  std::vector<std::string> out;
  const std::string prefix = std::string(kPrefix).substr(1);
  for (const std::string& base : bases_) {
    const auto names = files_->list(base);
    if (!names) continue;
    for (const std::string& name : *names) {
      if (!name.starts_with(prefix)) continue;
      const std::string job = name.substr(prefix.size());
      if (std::ranges::find(out, job) == out.end()) out.push_back(job);
    }
  }
  return out;
}

}  // namespace fieldpost::agent::runner
