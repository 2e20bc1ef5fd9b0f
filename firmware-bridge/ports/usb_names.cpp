#include "firmware-bridge/ports/usb_names.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace fieldpost::bridge {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kAttributeBytesMax = 256;
constexpr int kLevelsMax = 6;  // from a tty's device up to its USB device: two or three
constexpr std::size_t kPortsMax = 1024;

/// A file of sysfs, without its line end. What a device says of itself may be anything.
std::string read_attribute(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kAttributeBytesMax, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  std::ranges::replace_if(
      text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

std::optional<std::uint16_t> read_id(const fs::path& path) {
  const std::string text = read_attribute(path);
  std::uint16_t id = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
  if (text.empty() || failed != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return id;
}

fs::path real_path(const fs::path& path) {
  std::error_code failed;
  return fs::canonical(path, failed);  // empty when it fails
}

fs::path class_of(const std::string& tty, const DeviceTrees& trees) {
  return fs::path(trees.sys) / "class/tty" / tty;
}

std::optional<UsbIdentity> identity_of(const std::string& tty, const DeviceTrees& trees) {
  fs::path device = real_path(class_of(tty, trees) / "device");
  for (int level = 0; level < kLevelsMax && device.has_relative_path(); ++level) {
    const auto vendor = read_id(device / "idVendor");
    const auto product = read_id(device / "idProduct");
    if (vendor && product) return UsbIdentity{*vendor, *product, read_attribute(device / "serial")};
    device = device.parent_path();
  }
  return std::nullopt;
}

/// Serial drivers make files for ports that a machine could have; those without a chip are of
/// type 0 (PORT_UNKNOWN).
bool has_hardware(const fs::path& tty) {
  std::error_code failed;
  return fs::exists(tty / "device", failed) && read_attribute(tty / "type") != "0";
}

std::string by_id_of(const std::string& path, const DeviceTrees& trees) {
  const fs::path device = real_path(path);
  std::string found;
  std::error_code failed;
  for (fs::directory_iterator each(fs::path(trees.dev) / "serial/by-id", failed), end;
       !failed && each != end; each.increment(failed)) {
    if (device.empty() || real_path(each->path()) != device) continue;
    if (found.empty() || each->path().native() < found) found = each->path().native();
  }
  return found;
}

}  // namespace

std::vector<SerialPortInfo> list_serial_ports(const DeviceTrees& trees) {
  std::vector<SerialPortInfo> ports;
  std::error_code failed;
  for (fs::directory_iterator each(fs::path(trees.sys) / "class/tty", failed), end;
       !failed && each != end && ports.size() < kPortsMax; each.increment(failed)) {
    if (!has_hardware(each->path())) continue;
    const std::string tty = each->path().filename().native();
    const std::string path = trees.dev + "/" + tty;
    ports.push_back({path, by_id_of(path, trees), identity_of(tty, trees)});
  }
  std::ranges::sort(ports, {}, &SerialPortInfo::path);
  return ports;
}

std::optional<UsbIdentity> find_usb_identity(const std::string& path, const DeviceTrees& trees) {
  const fs::path device = real_path(path);
  if (device.empty()) return std::nullopt;
  return identity_of(device.filename().native(), trees);
}

}  // namespace fieldpost::bridge
