#include "coordinator/experiments/sensor_config.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "coordinator/store/retention.h"
#include "proto/wire/limits.h"

namespace fieldpost::coordinator {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kTypeBytesMax = 64;
constexpr double kSilenceReadings = 3;
constexpr double kSilenceLeastS = 2;

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

/// {"scale": a, "offset": b} or {"polynomial": [c0, c1, …]}.
Calibration read_calibration(JsonFields fields) {
  fields.only({"scale", "offset", "polynomial"});
  Calibration calibration{fields.numbers("polynomial", kCalibrationTermsMax)};
  const auto scale = fields.number("scale");
  const auto offset = fields.number("offset");
  if (!scale && !offset) return calibration;
  if (fields.has("polynomial")) fields.complain("polynomial", "expected it, or scale and offset");
  return {{offset.value_or(0), scale.value_or(1)}};
}

std::optional<double> positive(JsonFields& fields, std::string_view name) {
  const auto value = fields.number(name);
  if (value && *value <= 0) fields.complain(name, "expected a number above 0");
  return value;
}

void read_expectations(JsonFields& fields, Sensor& sensor) {
  sensor.rate_hz = positive(fields, "rate_hz");
  sensor.silent_after_s = positive(fields, "silent_after_s");
  sensor.stuck_after_s = positive(fields, "stuck_after_s");
  sensor.min = fields.number("min");
  sensor.max = fields.number("max");
  if (sensor.min && sensor.max && *sensor.min > *sensor.max) {
    fields.complain("max", "expected at least \"min\"");
  }
}

/// How often the nodes are told to measure it.
std::optional<double> read_sampling(JsonFields& fields, const Sensor& sensor) {
  const auto every_s = positive(fields, "sample_every_s");
  if (every_s && *every_s > kSampleEveryMostS) {
    fields.complain("sample_every_s", "expected at most a day (86400)");
  }
  if (every_s && sensor.measurement.size() > wire::kSamplingNameBytesMax) {
    fields.complain("sample_every_s", "expected a measurement of at most 200 bytes beside it");
  }
  return every_s;
}

Sensor read_sensor(JsonFields& fields) {
  fields.only({"name", "type", "enabled", "node", "measurement", "field", "tags", "unit",
               "calibration", "rate_hz", "min", "max", "silent_after_s", "stuck_after_s",
               "sample_every_s"});
  Sensor sensor;
  sensor.name = fields.required_text("name", kNameBytesMax);
  if (!sensor.name.empty() && !is_valid_name(sensor.name)) {
    fields.complain("name", "expected text without control characters");
  }
  sensor.measurement = fields.required_text("measurement");
  sensor.field = fields.required_text("field");
  sensor.type = fields.has("type") ? fields.text("type") : sensor.measurement;
  if (!is_valid_type(sensor.type)) {
    fields.complain("type",
                    "expected 1 to 64 of a-z, A-Z, 0-9, - and _ (it names files); without it the "
                    "measurement counts");
  }
  sensor.enabled = fields.flag("enabled", true);
  if (fields.has("node")) sensor.node = fields.required_text("node", kNameBytesMax);
  sensor.tags = fields.text_map("tags", wire::kTagsMax);
  sensor.unit = fields.text("unit", kNameBytesMax);
  sensor.calibration = read_calibration(fields.object("calibration"));
  read_expectations(fields, sensor);
  sensor.sample_every_s = read_sampling(fields, sensor);
  return sensor;
}

Json to_json(const Sensor& sensor) {
  Json out = {{"name", sensor.name},
              {"type", sensor.type},
              {"enabled", sensor.enabled},
              {"node", sensor.node},
              {"measurement", sensor.measurement},
              {"field", sensor.field}};
  Json tags = Json::object();
  for (const auto& [key, value] : sensor.tags) tags[key] = value;
  out["tags"] = std::move(tags);
  out["unit"] = sensor.unit;
  if (!sensor.calibration.is_none()) {
    out["calibration"] = {{"polynomial", sensor.calibration.coefficients}};
  }
  const std::pair<const char*, std::optional<double>> numbers[] = {
      {"rate_hz", sensor.rate_hz},
      {"min", sensor.min},
      {"max", sensor.max},
      {"silent_after_s", sensor.silent_after_s},
      {"stuck_after_s", sensor.stuck_after_s},
      {"sample_every_s", sensor.sample_every_s}};
  for (const auto& [name, value] : numbers) {
    if (value) out[name] = *value;
  }
  return out;
}

}  // namespace

bool Sensor::matches(const SeriesInfo& series) const {
  if (series.key.measurement != measurement || series.key.field != field) return false;
  const auto& has = series.key.tags;
  return matches_pattern(node, series.node) && std::ranges::all_of(tags, [&](const auto& tag) {
           return std::ranges::find(has, tag) != has.end();
         });
}

std::optional<double> silence_allowed_s(const Sensor& sensor) {
  if (sensor.silent_after_s) return sensor.silent_after_s;
  if (!sensor.rate_hz) return std::nullopt;
  return std::max(kSilenceLeastS, kSilenceReadings / *sensor.rate_hz);
}

std::vector<Sensor> read_sensors(JsonFields& fields) {
  std::vector<Sensor> sensors;
  std::set<std::string> names;
  for (JsonFields& each : fields.objects("sensors", kSensorsMax)) {
    sensors.push_back(read_sensor(each));
    const bool is_new = names.insert(sensors.back().name).second;
    if (!is_new) each.complain("name", "expected names that differ; this one is taken");
  }
  return sensors;
}

rt::Result<std::vector<Sensor>> parse_sensors(std::string_view json) {
  JsonFields fields(json, R"(expected a JSON object {"sensors": […]})");
  fields.only({"sensors"});
  auto sensors = read_sensors(fields);
  if (!fields.problem().empty()) return rt::Error{rt::Errc::kInvalid, fields.problem()};
  return sensors;
}

std::string sensors_json(const std::vector<Sensor>& sensors) {
  Json out = Json::array();
  for (const Sensor& sensor : sensors) out.push_back(to_json(sensor));
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const Sensor* sensor_of(const std::vector<Sensor>& sensors, const SeriesInfo& series) {
  const auto found = std::ranges::find_if(
      sensors, [&](const Sensor& sensor) { return sensor.enabled && sensor.matches(series); });
  return found == sensors.end() ? nullptr : &*found;
}

bool is_valid_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && std::ranges::none_of(name, is_control);
}

bool is_valid_type(std::string_view type) {
  return !type.empty() && type.size() <= kTypeBytesMax && std::ranges::all_of(type, is_word);
}

}  // namespace fieldpost::coordinator
