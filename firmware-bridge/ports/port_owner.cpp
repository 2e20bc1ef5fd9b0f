#include "firmware-bridge/ports/port_owner.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

namespace fieldpost::bridge {
namespace {

namespace fs = std::filesystem;

/// Of all processes together; more are not looked at, so that no turn takes long.
constexpr std::size_t kDescriptorsMax = 100'000;
constexpr std::size_t kArgumentBytesMax = 4096;                ///< longer ones are cut
constexpr unsigned kPtyMajorFirst = 136, kPtyMajorLast = 143;  // Documentation/admin-guide/devices

/// The same device, by whatever path. Numbers of ptys are unique in one file system only.
bool is_same_device(const struct stat& a, const struct stat& b) {
  if (!S_ISCHR(a.st_mode) || !S_ISCHR(b.st_mode) || a.st_rdev != b.st_rdev) return false;
  return !is_pty(a.st_rdev) || a.st_dev == b.st_dev;
}

std::optional<int> pid_of(const std::string& name) {
  int pid = 0;
  const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (failed != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return pid;
}

bool has_open(const fs::path& process, const struct stat& device, std::size_t& looked_at) {
  std::error_code failed;
  for (fs::directory_iterator each(process / "fd", failed), end; !failed && each != end;
       each.increment(failed)) {
    if (++looked_at > kDescriptorsMax) return false;
    // Other files are not touched: a stat of one on a dead network file system does not return.
    std::error_code gone;
    if (!fs::read_symlink(each->path(), gone).native().starts_with("/dev/") || gone) continue;
    struct stat found {};
    if (::stat(each->path().c_str(), &found) == 0 && is_same_device(found, device)) return true;
  }
  return false;
}

/// Base name of what the program was called by; empty: it is not told, or nothing for a log.
std::string called_by(const fs::path& process) {
  std::string argument(kArgumentBytesMax, '\0');
  std::ifstream file(process / "cmdline", std::ios::binary);
  file.read(argument.data(), static_cast<std::streamsize>(argument.size()));
  argument.resize(std::min(argument.find('\0'), static_cast<std::size_t>(file.gcount())));
  argument.erase(0, argument.rfind('/') + 1);
  const bool is_plain =
      std::ranges::all_of(argument, [](char each) { return each > ' ' && each <= '~'; });
  return is_plain ? argument : "";
}

/// The kernel cuts `comm` to 15 characters.
std::string name_of(const fs::path& process) {
  std::ifstream file(process / "comm");
  std::string name;
  std::getline(file, name);
  if (name.empty()) return "a process";
  const std::string called = called_by(process);
  return called.starts_with(name) ? called : name;
}

}  // namespace

bool is_pty(std::uint64_t device) {
  return major(device) >= kPtyMajorFirst && major(device) <= kPtyMajorLast;
}

std::optional<PortOwner> find_port_owner(const std::string& path, const std::string& proc) {
  struct stat device {};
  if (::stat(path.c_str(), &device) != 0) return std::nullopt;
  std::optional<PortOwner> ourselves;
  std::size_t looked_at = 0;
  std::error_code failed;
  for (fs::directory_iterator each(proc, failed), end; !failed && each != end;
       each.increment(failed)) {
    const auto pid = pid_of(each->path().filename().native());
    if (!pid || !has_open(each->path(), device, looked_at)) continue;
    PortOwner owner{*pid, name_of(each->path())};
    if (*pid != ::getpid()) return owner;
    ourselves = std::move(owner);
  }
  return ourselves;
}

std::string name_port_owner(const std::optional<PortOwner>& owner) {
  if (!owner) return "another user's process";
  if (owner->pid == ::getpid()) return owner->name + " itself";
  return fmt::format("{} (pid {})", owner->name, owner->pid);
}

}  // namespace fieldpost::bridge
