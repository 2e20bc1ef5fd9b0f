#include "tools/bench/memory_cage.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "tools/bench/daemon.h"

namespace fieldpost::bench {
namespace {

constexpr const char* kV1 = "/sys/fs/cgroup/memory";
constexpr const char* kV2 = "/sys/fs/cgroup";

bool write_word(const std::string& path, const std::string& word) {
  std::ofstream file(path);
  file << word << std::flush;
  return static_cast<bool>(file);
}

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The number after `name` in lines of "name number".
std::uint64_t number_after(const std::string& text, const std::string& name) {
  const std::size_t at = text.find(name + " ");
  return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + name.size(), nullptr, 10);
}

}  // namespace

std::optional<MemoryCage> MemoryCage::make(std::uint64_t bytes_max, std::string& why) {
  const bool is_v2 = !std::filesystem::exists(kV1);
  const std::string directory = fmt::format("{}/fieldpost-bench-{}", is_v2 ? kV2 : kV1, ::getpid());
  std::error_code failed;
  if (!std::filesystem::create_directory(directory, failed)) {
    why = fmt::format("making {}: {}", directory, failed.message());
    return std::nullopt;
  }
  MemoryCage cage(directory, is_v2);
  const char* limit = is_v2 ? "/memory.max" : "/memory.limit_in_bytes";
  if (write_word(directory + limit, std::to_string(bytes_max))) return cage;
  why = fmt::format("setting {}{}: {}", directory, limit, std::strerror(errno));
  return std::nullopt;
}

MemoryCage::MemoryCage(MemoryCage&& other) noexcept
    : directory_(std::exchange(other.directory_, "")), is_v2_(other.is_v2_) {}

MemoryCage::~MemoryCage() {
  if (!directory_.empty()) ::rmdir(directory_.c_str());
}

void MemoryCage::take_in(pid_t process) {
  if (write_word(directory_ + "/cgroup.procs", std::to_string(process))) return;
  give_up(fmt::format("putting process {} into {}", process, directory_));
}

std::uint64_t MemoryCage::peak_bytes() const {
  const std::string name = is_v2_ ? "/memory.peak" : "/memory.max_usage_in_bytes";
  return std::strtoull(read_text(directory_ + name).c_str(), nullptr, 10);
}

std::uint64_t MemoryCage::killed() const {
  const std::string name = is_v2_ ? "/memory.events" : "/memory.oom_control";
  return number_after(read_text(directory_ + name), "oom_kill");
}

}  // namespace fieldpost::bench
