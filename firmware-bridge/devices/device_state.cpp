#include "firmware-bridge/devices/device_state.h"

#include <utility>

namespace fieldpost::bridge {
namespace {

void add(std::vector<Measured>& out, const DeviceState& state, std::string_view field,
         mapping::DeviceValue value) {
  Measured one;
  one.key.measurement = kMetricsMeasurement;
  one.key.tags = {{"device", state.name}};
  one.key.field = field;
  one.key.type = value.type;
  one.value = std::move(value);
  out.push_back(std::move(one));
}

}  // namespace

std::vector<Measured> metrics_of(const DeviceState& state) {
  std::vector<Measured> out;
  const auto count = [&](std::string_view field, std::uint64_t value) {
    add(out, state, field, mapping::DeviceValue::of(static_cast<std::int64_t>(value)));
  };
  count("frames", state.counts.good);
  count("lost", state.lost);
  count("bad", state.counts.bad + state.unfit);
  count("bad_checksum", state.counts.bad_checksum);
  count("undeclared", state.counts.undeclared);
  count("boots", state.boots);
  count("bytes", state.counts.bytes);
  const auto text = [&](std::string_view field, std::string value) {
    add(out, state, field, mapping::DeviceValue::of(std::move(value)));
  };
  text("diagnosis", std::string(to_string(state.diagnosis.verdict)));
  text("advice", state.diagnosis.text);
  if (state.hello && !state.hello->firmware.empty()) text("firmware", state.hello->firmware);
  return out;
}

}  // namespace fieldpost::bridge
