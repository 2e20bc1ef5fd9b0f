#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/experiments/json_fields.h"
#include "coordinator/query/calibration.h"
#include "coordinator/query/reading_query.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kSensorsMax = 512;  ///< of one config
inline constexpr std::size_t kNameBytesMax = 200;
inline constexpr double kSampleEveryMostS = 86'400;

/// One quantity of a sensor config: which series it is, and what is known of it.
struct Sensor {
  std::string name;
  std::string type;  ///< "temperature": names the sample files of an export
  bool enabled = true;
  std::string node = "*";  ///< as of `matches_pattern`
  std::string measurement, field;
  std::vector<std::pair<std::string, std::string>>
      tags;                              ///< all must match; a series may have more
  std::string unit;                      ///< of calibrated values; empty: the series' own
  Calibration calibration;               ///< of numbers
  std::optional<double> rate_hz;         ///< readings expected each second
  std::optional<double> min, max;        ///< valid calibrated values, both included
  std::optional<double> silent_after_s;  ///< absent: by the rate, see `silence_allowed_s`
  std::optional<double> stuck_after_s;   ///< the same value for longer is suspicious; absent: never
  std::optional<double>
      sample_every_s;  ///< how often to measure; absent: as the node is configured

  bool operator==(const Sensor&) const = default;
  [[nodiscard]] bool matches(const SeriesInfo& series) const;
};

/// How long a sensor may say nothing before it is called silent: three readings at its rate, but at
/// least two seconds; absent: nobody knows.
[[nodiscard]] std::optional<double> silence_allowed_s(const Sensor& sensor);

/// A version of a config; never changed once made.
struct SensorConfig {
  std::string name;
  std::int64_t version = 0;  ///< from 1
  std::int64_t created = 0;  ///< ns
  std::string author;
  std::vector<Sensor> sensors;  ///< names distinct
};

/// The list `sensors` of an object; complains there.
[[nodiscard]] std::vector<Sensor> read_sensors(JsonFields& fields);
/// {"sensors": […]}, or what is wrong with it.
rt::Result<std::vector<Sensor>> parse_sensors(std::string_view json);
/// A JSON list that `read_sensors` reads back as the same.
[[nodiscard]] std::string sensors_json(const std::vector<Sensor>& sensors);

/// The first enabled sensor of the list that a series belongs to; null: none.
[[nodiscard]] const Sensor* sensor_of(const std::vector<Sensor>& sensors, const SeriesInfo& series);

/// Names of things users make: 1 to kNameBytesMax bytes of UTF-8 without control characters.
[[nodiscard]] bool is_valid_name(std::string_view name);
/// Types become parts of file names: 1 to 64 of a-z, A-Z, 0-9, - and _.
[[nodiscard]] bool is_valid_type(std::string_view type);

}  // namespace fieldpost::coordinator
