#include <algorithm>

#include "agent/sources/host/proc_text.h"
#include "agent/sources/host/sensors.h"

namespace fieldpost::agent {
namespace {

constexpr std::size_t kLineBytesMax = 256;
constexpr std::array<HostField, 1> kFields{{{"temp", wire::ValueType::kF64, "°C"}}};
constexpr std::string_view kHwmon = "/sys/class/hwmon", kThermal = "/sys/class/thermal";

std::string read_word_line(HostTick& tick, const std::string& path) {
  const std::string text = tick.read(path, kLineBytesMax);
  std::string_view rest = text;
  return std::string(next_line(rest));
}

// "Package id 0" → "package_id_0"
std::string as_name(std::string text) {
  for (char& c : text) {
    if (c == ' ') c = '_';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace

TemperatureSensor::TemperatureSensor() : groups_("temp", "sensor", kFields) {}

void TemperatureSensor::read(HostTick& tick) {
  if (ticks_to_scan_-- == 0) {
    scan(tick);
    ticks_to_scan_ = kScanTicks - 1;
  }
  for (const Place& place : places_) {
    // A sensor that cannot be read now (a disk asleep) has no reading; that is no error.
    const std::string text = read_word_line(tick, place.path);
    const auto milli = to_number<std::int64_t>(text);
    if (milli) tick.add(groups_.of(place.name), 0, static_cast<double>(*milli) / 1000.0);
  }
  groups_.end_tick();
}

void TemperatureSensor::scan(HostTick& tick) {
  places_.clear();
  for (const std::string& chip : tick.list(std::string(kHwmon))) {
    scan_chip(tick, std::string(kHwmon) + "/" + chip);
  }
  for (const std::string& zone : tick.list(std::string(kThermal))) {
    if (!zone.starts_with("thermal_zone")) continue;
    const std::string directory = std::string(kThermal) + "/" + zone;
    const std::string type = read_word_line(tick, directory + "/type");
    const std::string name = as_name(type.empty() ? zone : type);
    add_place(directory + "/temp", {name, name + "_" + zone});
  }
}

void TemperatureSensor::scan_chip(HostTick& tick, const std::string& directory) {
  const std::string chip = read_word_line(tick, directory + "/name");
  const std::string suffix = directory.substr(directory.rfind('/') + 1);
  for (const std::string& file : tick.list(directory)) {
    if (!file.starts_with("temp") || !file.ends_with("_input")) continue;
    const std::string input = file.substr(0, file.size() - 6);
    const std::string label = read_word_line(tick, directory + "/" + input + "_label");
    const std::string name = as_name(chip + "_" + (label.empty() ? input : label));
    const std::string at_chip = name + "_" + suffix;
    add_place(directory + "/" + file, {name, at_chip, at_chip + "_" + input});
  }
}

/// Sensors of one name are told apart by where they are: the first of `names` that is free is it.
void TemperatureSensor::add_place(std::string path, std::vector<std::string> names) {
  if (places_.size() >= HostGroups::kCountMax) return;
  const auto is_free = [this](const std::string& name) {
    return std::none_of(places_.begin(), places_.end(),
                        [&](const Place& place) { return place.name == name; });
  };
  const auto free = std::find_if(names.begin(), names.end(), is_free);
  places_.push_back({std::move(path), free == names.end() ? names.back() : *free});
}

}  // namespace fieldpost::agent
