#include "firmware-bridge/ports/port_rights.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

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

bool are_in_group(gid_t id) {
  if (::getegid() == id) return true;
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  return std::ranges::find(groups, id) != groups.end();
}

}  // namespace

DeniedPort look_at_rights(const std::string& path, const DeviceTrees& trees) {
  DeniedPort port;
  port.path = path;
  port.user = user_name(::geteuid());
  port.user_group = group_name(::getegid());
  port.rights_suffice = ::euidaccess(path.c_str(), R_OK | W_OK) == 0;
  port.usb = find_usb_identity(path, trees);
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return port;
  port.owner = user_name(found.st_uid);
  port.group = group_name(found.st_gid);
  port.mode = found.st_mode & kRights;
  port.is_in_group = are_in_group(found.st_gid);
  return port;
}

}  // namespace fieldpost::bridge
