#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "proto/rt/files.h"
#include "proto/wire/line_protocol.h"
#include "proto/wire/readings.h"

namespace fieldpost::agent {

struct HostField {
  std::string_view name;
  wire::ValueType type;  ///< kF64 or kU64
  std::string_view unit;
};

/// The canonical keys of one thing's fields (one disk, one interface), made once. Of a name that
/// cannot be in a key (a mount point that is not UTF-8) they are empty.
struct HostGroup {
  HostGroup(std::string_view measurement, std::vector<std::pair<std::string, std::string>> tags,
            std::span<const HostField> fields);
  std::vector<std::string> keys;
  std::vector<wire::ValueType> types;
  std::string why_not;  ///< of the keys that are empty
};

/// The readings of one tick, all of one time; and the files they are read from.
class HostTick {
 public:
  HostTick(rt::Files& files, const std::string& root, std::int64_t time_ns)
      : files_(files), root_(root), time_ns_(time_ns) {}

  /// Reads root + path. Empty when it does not exist; other failures are counted.
  [[nodiscard]] std::string read(const std::string& path, std::size_t bytes_max);
  [[nodiscard]] std::vector<std::string> list(const std::string& path);
  [[nodiscard]] std::optional<rt::DiskSpace> space(const std::string& path);

  /// Adds the reading of the group's field at `index`. One without a key, or with a key that the
  /// tick has already, is left out and counted: it must not cost the others their record.
  void add(const HostGroup& group, std::size_t index, std::uint64_t value);
  void add(const HostGroup& group, std::size_t index, double value);

  void fail(std::string what);
  [[nodiscard]] std::uint64_t failures() const { return failures_; }
  [[nodiscard]] const std::string& last_failure() const { return last_failure_; }
  [[nodiscard]] wire::ParsedLines take() && { return std::move(lines_); }

 private:
  void add_bits(const HostGroup& group, std::size_t index, std::uint64_t bits);

  rt::Files& files_;
  const std::string& root_;
  std::int64_t time_ns_;
  wire::ParsedLines lines_;
  std::unordered_set<std::string> keys_;  ///< of lines_
  std::uint64_t failures_ = 0;
  std::string last_failure_;
};

/// Groups by the name of their thing. What a tick did not ask for is forgotten after it.
class HostGroups {
 public:
  HostGroups(std::string_view measurement, std::string_view tag, std::span<const HostField> fields)
      : measurement_(measurement), tag_(tag), fields_(fields) {}
  const HostGroup& of(std::string_view name);
  void end_tick();
  static constexpr std::size_t kCountMax = 256;  ///< more things than that are left out
  [[nodiscard]] bool has_room() const { return entries_.size() < kCountMax; }

 private:
  struct Entry {
    HostGroup group;
    bool used = true;
  };
  std::string_view measurement_, tag_;
  std::span<const HostField> fields_;
  std::map<std::string, Entry, std::less<>> entries_;
};

/// Two decimals, as people read percentages.
[[nodiscard]] double rounded_percent(double part, double whole);

}  // namespace fieldpost::agent
