#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/experiments/sensor_config.h"
#include "coordinator/store/studies.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

/// Whose calibrations a question wants; all empty: none.
struct CalibrationChoice {
  std::string experiment;    ///< id or name
  std::string config;        ///< of sensors, or this one
  std::int64_t version = 0;  ///< of the config; 0: the newest
  [[nodiscard]] bool is_none() const { return experiment.empty() && config.empty(); }
};

/// By what series are calibrated: the sensors of a config, of all nodes or of an experiment's.
struct CalibratedBy {
  std::vector<Sensor> sensors;
  std::vector<std::string> nodes;  ///< patterns; none: every node

  /// kNotFound names the experiment, the config or its version; kDenied: the experiment has no
  /// config.
  static rt::Result<CalibratedBy> load(Studies& studies, const CalibrationChoice& choice);
  /// As whose values those of a series count: the same sensor as in an export; null: none.
  [[nodiscard]] const Sensor* sensor_of(const SeriesInfo& series) const;
};

}  // namespace fieldpost::coordinator
