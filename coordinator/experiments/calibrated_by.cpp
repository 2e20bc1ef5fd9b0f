#include "coordinator/experiments/calibrated_by.h"

#include <fmt/format.h>

#include <utility>

namespace fieldpost::coordinator {

rt::Result<CalibratedBy> CalibratedBy::load(Studies& studies, const CalibrationChoice& choice) {
  if (choice.experiment.empty()) {
    auto config = studies.configs.find(choice.config, choice.version);
    if (!config) return config.error();
    return CalibratedBy{std::move(config->sensors), {}};
  }
  auto experiment = studies.experiments.find(choice.experiment);
  if (!experiment) return experiment.error();
  if (!experiment->config) {
    return rt::Error{rt::Errc::kDenied,
                     fmt::format("experiment \"{}\" has no sensor config yet", experiment->name)};
  }
  auto sensors = studies.sensors_of(*experiment);
  if (!sensors) return sensors.error();
  return CalibratedBy{*std::move(sensors), std::move(experiment->nodes)};
}

const Sensor* CalibratedBy::sensor_of(const SeriesInfo& series) const {
  return has_node(nodes, series.node) ? coordinator::sensor_of(sensors, series) : nullptr;
}

}  // namespace fieldpost::coordinator
