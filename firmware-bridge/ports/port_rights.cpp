#include "firmware-bridge/ports/port_rights.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace fieldpost::bridge {
namespace {

constexpr mode_t kRights = 0777;
constexpr std::size_t kEntryBytesMax = 64 * 1024;  // a group with all its members

std::string user_name(uid_t id) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> bytes(kEntryBytesMax);
  ::getpwuid_r(id, &entry, bytes.data(), bytes.size(), &found);
  return found != nullptr ? found->pw_name : std::to_string(id);
}

std::string group_name(gid_t id) {
  group entry{};
  group* found = nullptr;
  std::vector<char> bytes(kEntryBytesMax);
  ::getgrgid_r(id, &entry, bytes.data(), bytes.size(), &found);
  return found != nullptr ? found->gr_name : std::to_string(id);
}

Credentials our_credentials() {
  Credentials who;
  who.user = ::geteuid();
  who.groups.resize(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  const int count = ::getgroups(static_cast<int>(who.groups.size()), who.groups.data());
  who.groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  who.groups.push_back(::getegid());
  return who;
}

/// What the kernel calls the device, which udev rules go by; links have other names.
std::string kernel_name(const std::string& path) {
  std::error_code failed;
  const auto device = std::filesystem::canonical(path, failed);
  return (failed ? std::filesystem::path(path) : device).filename().string();
}

}  // namespace

DeniedPort look_at_rights(const std::string& path, const DeviceTrees& trees) {
  DeniedPort port;
  port.path = path;
  port.kernel_name = kernel_name(path);
  const Credentials who = our_credentials();
  port.user = user_name(who.user);
  port.user_group = group_name(::getegid());
  port.usb = find_usb_identity(path, trees);
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return port;
  port.owner = user_name(found.st_uid);
  port.group = group_name(found.st_gid);
  port.mode = found.st_mode & kRights;
  port.is_in_group = is_in_group(who, found.st_gid);
  port.rights_suffice = mode_suffices({found.st_uid, found.st_gid, found.st_mode}, who);
  return port;
}

}  // namespace fieldpost::bridge
