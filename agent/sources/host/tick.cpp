#include "agent/sources/host/tick.h"

#include <bit>
#include <cmath>
#include <functional>
#include <utility>

namespace fieldpost::agent {

using wire::ValueType;

HostGroup::HostGroup(std::string_view measurement,
                     std::vector<std::pair<std::string, std::string>> tags,
                     std::span<const HostField> fields) {
  wire::SeriesKey key;
  key.measurement = measurement;
  key.tags = std::move(tags);
  for (const HostField& field : fields) {
    key.field = field.name;
    key.type = field.type;
    key.unit = field.unit;
    std::string text = key.text();
    if (const auto parsed = wire::SeriesKey::parse(text); !parsed) {
      why_not = parsed.error().message;
      text.clear();
    }
    keys.push_back(std::move(text));
    types.push_back(field.type);
  }
}

std::string HostTick::read(const std::string& path, std::size_t bytes_max) {
  auto text = files_.read(root_ + path, 0, bytes_max);
  if (text) return *std::move(text);
  if (text.error().code != rt::Errc::kNotFound) fail(text.error().message);
  return {};
}

std::vector<std::string> HostTick::list(const std::string& path) {
  return files_.list(root_ + path).value_or({});
}

std::optional<rt::DiskSpace> HostTick::space(const std::string& path) {
  auto space = files_.space(root_ + path);
  if (space) return *space;
  fail(space.error().message);
  return std::nullopt;
}

void HostTick::add(const HostGroup& group, std::size_t index, std::uint64_t value) {
  FP_CHECK(group.types[index] == ValueType::kU64);
  add_bits(group, index, value);
}

void HostTick::add(const HostGroup& group, std::size_t index, double value) {
  FP_CHECK(group.types[index] == ValueType::kF64);
  add_bits(group, index, std::bit_cast<std::uint64_t>(value));
}

void HostTick::add_bits(const HostGroup& group, std::size_t index, std::uint64_t bits) {
  const std::string& key = group.keys[index];
  if (key.empty()) return fail(group.why_not);
  if (!keys_.insert(key).second) return fail("two readings of " + key);
  lines_.keys.push_back(key);
  lines_.types.push_back(group.types[index]);
  lines_.columns.push_back({.times = {time_ns_}, .values = {bits}, .strings = {}});
  lines_.readings += 1;
  lines_.readings_stamped += 1;
  lines_.stamp_ns = time_ns_;
}

void HostTick::fail(std::string what) {
  failures_ += 1;
  last_failure_ = std::move(what);
}

const HostGroup& HostGroups::of(std::string_view name) {
  auto at = entries_.find(name);
  if (at == entries_.end()) {
    std::string text(name);
    HostGroup group(measurement_, {{std::string(tag_), text}}, fields_);
    at = entries_.emplace(std::move(text), Entry{std::move(group)}).first;
  }
  at->second.used = true;
  return at->second.group;
}

void HostGroups::end_tick() {
  std::erase_if(entries_, [](const auto& entry) { return !entry.second.used; });
  for (auto& [name, entry] : entries_) entry.used = false;
}

double rounded_percent(double part, double whole) {
  if (whole <= 0) return 0;
  return std::round(part / whole * 10'000.0) / 100.0;
}

}  // namespace fieldpost::agent
