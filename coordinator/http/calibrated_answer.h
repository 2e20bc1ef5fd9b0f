#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/experiments/calibrated_by.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/router.h"
#include "coordinator/http/services.h"
#include "coordinator/query/calibration.h"

/// How answers about readings are calibrated.
namespace fieldpost::coordinator {

/// null: values as they are stored.
using Calibrating = std::shared_ptr<const CalibratedBy>;

/// Of `calibrated` (an experiment) and `calibrated_by` (a config, perhaps with @VERSION).
[[nodiscard]] CalibrationChoice calibration_choice(Parameters& parameters);
/// Goes on with what was chosen, at once when it is nothing, or answers why it cannot.
void find_calibrating(Services& services, const CalibrationChoice& choice,
                      std::shared_ptr<rt::HttpResponder> responder,
                      std::function<void(Calibrating)> go_on);

/// Makes series of numbers that have a sensor what they are once calibrated: doubles, in its unit.
/// How each of these is calibrated.
[[nodiscard]] Calibrations calibrate(std::vector<SeriesInfo>& series, const Calibrating& by);
/// The series as JSON, with a member `calibration` ([c0, c1, …]) when it has one.
[[nodiscard]] std::string to_json(const SeriesInfo& series, const Calibrations& calibrations,
                                  TimeFormat times);
/// [c0,c1,…]; null for none.
[[nodiscard]] std::string calibration_json(const Calibration& calibration);

}  // namespace fieldpost::coordinator
