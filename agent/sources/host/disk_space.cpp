#include <algorithm>
#include <set>

#include "agent/sources/host/proc_text.h"
#include "agent/sources/host/sensors.h"

namespace fieldpost::agent {
namespace {

constexpr std::size_t kMountsBytesMax = 256 * 1024;
constexpr auto kU64 = wire::ValueType::kU64;
constexpr std::array<HostField, 4> kFields{{{"total", kU64, "B"},
                                            {"free", kU64, "B"},
                                            {"used", kU64, "B"},
                                            {"used_percent", wire::ValueType::kF64, "%"}}};

// Local file systems with a disk, a card or a flash chip behind them.
constexpr std::array<std::string_view, 16> kRealTypes{
    "bcachefs", "btrfs", "exfat", "ext2",  "ext3", "ext4",     "f2fs", "hfsplus",
    "jffs2",    "jfs",   "ntfs3", "ubifs", "vfat", "reiserfs", "xfs",  "zfs"};

struct Mount {
  std::string device, path, type;
};

// The kernel writes blank, tab, line feed and backslash as \ooo.
std::string unescape_octal(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    const bool escaped = text[i] == '\\' && i + 3 < text.size() &&
                         std::from_chars(text.data() + i + 1, text.data() + i + 4, code, 8).ptr ==
                             text.data() + i + 4;
    out += escaped ? static_cast<char>(code) : text[i];
    if (escaped) i += 3;
  }
  return out;
}

Mount parse_mount(std::string_view line) {
  Mount mount;
  mount.device = unescape_octal(next_word(line));
  mount.path = unescape_octal(next_word(line));
  mount.type = next_word(line);
  return mount;
}

bool is_real(const Mount& mount) {
  return std::find(kRealTypes.begin(), kRealTypes.end(), mount.type) != kRealTypes.end();
}

HostGroup make_group(const Mount& mount) {
  const std::string device =
      mount.device.starts_with("/dev/") ? mount.device.substr(5) : mount.device;
  return {"disk", {{"device", device}, {"fstype", mount.type}, {"path", mount.path}}, kFields};
}

void add_space(HostTick& tick, const HostGroup& group, const rt::DiskSpace& space) {
  const std::uint64_t used = space.bytes_total - std::min(space.bytes_total, space.bytes_free);
  tick.add(group, 0, space.bytes_total);
  tick.add(group, 1, space.bytes_free);
  tick.add(group, 2, used);
  tick.add(group, 3,
           rounded_percent(static_cast<double>(used), static_cast<double>(space.bytes_total)));
}

}  // namespace

void DiskSpaceSensor::read(HostTick& tick) {
  const std::string text = tick.read("/proc/self/mounts", kMountsBytesMax);
  std::string_view rest = text;
  std::set<std::string> devices;  // a device mounted twice (bind mounts) is told of once
  while (!rest.empty() && devices.size() < kMountsMax) {
    const std::string_view line = next_line(rest);
    const Mount mount = parse_mount(line);
    if (!is_real(mount) || !devices.insert(mount.device).second) continue;
    const auto space = tick.space(mount.path);
    if (!space || space->bytes_total == 0) continue;
    if (groups_.size() > 2 * kMountsMax) groups_.clear();  // mounts that come and go
    auto at = groups_.find(line);
    if (at == groups_.end()) at = groups_.emplace(line, make_group(mount)).first;
    add_space(tick, at->second, *space);
  }
}

}  // namespace fieldpost::agent
