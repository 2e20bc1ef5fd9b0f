#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proto/rt/time.h"
#include "proto/wire/line_protocol.h"
#include "proto/wire/readings.h"

namespace fieldpost::mapping {

/// A value as a device gave it. `bits` and `text` are as in wire::Column.
struct DeviceValue {
  wire::ValueType type = wire::ValueType::kF64;
  std::uint64_t bits = 0;
  std::string text;  ///< kString only

  static DeviceValue of(double value);
  static DeviceValue of(std::int64_t value);
  static DeviceValue of(std::uint64_t value);
  static DeviceValue of(bool value);
  static DeviceValue of(std::string value);
};

/// Whether an agent takes it: a finite number, a text of UTF-8 within wire's bound, or any other.
[[nodiscard]] bool is_storable(const DeviceValue& value);

/// Gathers readings that do not come as line protocol.
class ReadingsBuilder {
 public:
  ReadingsBuilder() = default;
  /// Goes on with these.
  explicit ReadingsBuilder(wire::ParsedLines lines);
  /// `key.type` is set from the value. false: the key is not a valid one, the string too long or
  /// not UTF-8, or the number not finite; nothing is added.
  bool add(wire::SeriesKey key, std::int64_t time_ns, DeviceValue value);
  /// The same for one that came without a time. One builder, one `now`.
  bool add_stamped(wire::SeriesKey key, rt::UnixTime now, DeviceValue value);
  [[nodiscard]] std::size_t readings() const { return lines_.readings; }
  [[nodiscard]] wire::ParsedLines& lines() { return lines_; }

 private:
  wire::ParsedLines lines_;
  std::unordered_map<std::string, std::size_t> columns_;
  std::map<std::pair<std::size_t, std::string>, std::size_t>
      texts_;  ///< places in columns' strings
};

}  // namespace fieldpost::mapping
