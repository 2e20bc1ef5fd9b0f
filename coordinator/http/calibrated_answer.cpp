#include "coordinator/http/calibrated_answer.h"

#include <charconv>
#include <utility>

#include "coordinator/http/answers.h"
#include "coordinator/http/study_answers.h"
#include "coordinator/http/view_json.h"

namespace fieldpost::coordinator {
namespace {

/// "NAME@3"; a name alone means its newest version.
void read_config(const std::string& text, CalibrationChoice& choice) {
  choice.config = text;
  const std::size_t at = text.rfind('@');
  if (at == std::string::npos || at == 0) return;
  std::int64_t version = 0;
  const auto [end, failed] =
      std::from_chars(text.data() + at + 1, text.data() + text.size(), version);
  if (failed != std::errc() || end != text.data() + text.size() || version < 1) return;
  choice.config = text.substr(0, at);
  choice.version = version;
}

/// One of a sensor that has none changes no value, but says that it is the sensor's.
Calibration shown(const Calibration& calibration) {
  return calibration.is_none() ? Calibration{{0, 1}} : calibration;
}

}  // namespace

CalibrationChoice calibration_choice(Parameters& parameters) {
  CalibrationChoice choice;
  choice.experiment = parameters.text("calibrated");
  read_config(parameters.text("calibrated_by"), choice);
  if (parameters.has("calibrated") && choice.experiment.empty()) {
    parameters.complain("calibrated", "expected an experiment's id or name");
  }
  if (parameters.has("calibrated_by") && choice.config.empty()) {
    parameters.complain("calibrated_by", "expected the name of a sensor config");
  }
  if (!choice.experiment.empty() && !choice.config.empty()) {
    parameters.complain("calibrated_by", "expected either calibrated or calibrated_by");
  }
  return choice;
}

void find_calibrating(Services& services, const CalibrationChoice& choice,
                      std::shared_ptr<rt::HttpResponder> responder,
                      std::function<void(Calibrating)> go_on) {
  if (choice.is_none()) return go_on(nullptr);
  services.studies.ask<CalibratedBy>(
      [choice](StudyReader& reader) { return CalibratedBy::load(reader.studies, choice); },
      [responder = std::move(responder), go_on = std::move(go_on)](rt::Result<CalibratedBy> by) {
        if (!by) return responder->respond(study_refusal(by.error()));
        go_on(std::make_shared<const CalibratedBy>(*std::move(by)));
      });
}

Calibrations calibrate(std::vector<SeriesInfo>& series, const Calibrating& by) {
  Calibrations calibrations;
  for (SeriesInfo& each : series) {
    const Sensor* sensor = by == nullptr ? nullptr : by->sensor_of(each);
    if (sensor == nullptr || each.key.type == wire::ValueType::kString) continue;
    calibrations.emplace(each.id, shown(sensor->calibration));
    each.key.type = wire::ValueType::kF64;
    if (!sensor->unit.empty()) each.key.unit = sensor->unit;
  }
  return calibrations;
}

std::string to_json(const SeriesInfo& series, const Calibrations& calibrations, TimeFormat times) {
  std::string out = to_json(series, times);
  const Calibration& calibration = calibration_of(calibrations, series.id);
  if (calibration.is_none()) return out;
  out.back() = ',';
  return out + "\"calibration\":" + calibration_json(calibration) + "}";
}

std::string calibration_json(const Calibration& calibration) {
  if (calibration.is_none()) return "null";
  std::string out = "[";
  for (const double coefficient : calibration.coefficients) {
    if (out.size() > 1) out += ',';
    append_double(out, coefficient);
  }
  return out + "]";
}

}  // namespace fieldpost::coordinator
