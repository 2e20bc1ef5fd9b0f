#include "firmware-bridge/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>
#include <string_view>
#include <tuple>

#include "firmware-bridge/agent_link/held_lines.h"
#include "firmware-bridge/flash/avr_parts.h"
#include "firmware-bridge/protocols/make_protocol.h"
#include "firmware-bridge/protocols/modbus_values.h"
#include "proto/rt/config_parts.h"
#include "proto/wire/readings.h"

namespace fieldpost::bridge {
namespace {

using rt::ConfigTable;
using rt::Result;
using rt::Status;
using Kind = ProtocolOptions::Kind;

constexpr std::size_t kModbusValuesMax = 1000;  ///< of one device

struct KindName {
  std::string_view name;
  Kind kind;
};
constexpr KindName kKinds[] = {{"frames", Kind::kFrames},   {"line_protocol", Kind::kLineProtocol},
                               {"json", Kind::kJson},       {"nmea", Kind::kNmea},
                               {"pattern", Kind::kPattern}, {"modbus", Kind::kModbus}};

Kind kind_of(std::string_view name) {
  const auto* found = std::ranges::find(kKinds, name, &KindName::name);
  FP_CHECK(found != std::end(kKinds));  // the schema knows no others
  return found->kind;
}

Result<double> read_number(const ConfigTable& table, std::string_view key) {
  const std::string& text = table.text(key);
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return table.error(key, "expected a number in quotes, such as \"0.1\"");
  }
  return value;
}

ModbusValue::Table table_of(std::string_view name) {
  using Table = ModbusValue::Table;
  if (name == "input") return Table::kInput;
  if (name == "coil") return Table::kCoil;
  return name == "discrete" ? Table::kDiscrete : Table::kHolding;
}

ModbusValue::Format format_of(std::string_view name) {
  using Format = ModbusValue::Format;
  constexpr std::pair<std::string_view, Format> kFormats[] = {
      {"u16", Format::kU16}, {"i16", Format::kI16}, {"u32", Format::kU32},
      {"i32", Format::kI32}, {"u64", Format::kU64}, {"i64", Format::kI64},
      {"f32", Format::kF32}, {"f64", Format::kF64}, {"bool", Format::kBool}};
  const auto* found =
      std::ranges::find(kFormats, name, &std::pair<std::string_view, Format>::first);
  FP_CHECK(found != std::end(kFormats));
  return found->second;
}

/// Whether the store takes a series of it.
bool is_quantity(const std::string& field, const std::string& unit) {
  const wire::SeriesKey key{"board", {}, field, wire::ValueType::kF64, unit};
  return wire::SeriesKey::parse(key.text()).has_value();
}

Result<ModbusValue> read_modbus_value(const ConfigTable& table) {
  ModbusValue value;
  value.field = table.text("field");
  value.unit = table.text("unit");
  if (!is_quantity(value.field, value.unit)) {
    return table.error("field", "expected what a field can be called, with its unit");
  }
  value.table = table_of(table.text("table"));
  value.address = static_cast<std::uint16_t>(table.integer("address"));
  value.format = format_of(table.text("format"));
  if (value.table == ModbusValue::Table::kCoil || value.table == ModbusValue::Table::kDiscrete) {
    value.format = ModbusValue::Format::kBool;
  }
  if (auto fits = check_modbus_value(value); !fits) {
    return table.error("address", fits.error().message);
  }
  value.low_word_first = table.flag("low_word_first");
  const auto scale = read_number(table, "scale");
  if (!scale) return scale.error();
  const auto offset = read_number(table, "offset");
  if (!offset) return offset.error();
  value.scale = *scale;
  value.offset = *offset;
  if (auto fits = check_modbus_value(value); !fits) {
    return table.error("address", fits.error().message);
  }
  return value;
}

/// Series of a board are called so: with a name that the store takes.
Status check_names(const ConfigTable& table, const DeviceConfig& device) {
  wire::SeriesKey key{device.measurement, device.tags, "value", wire::ValueType::kF64, ""};
  key.tags.emplace_back("device", device.name);
  std::ranges::sort(key.tags);
  if (!wire::SeriesKey::parse(key.text())) {
    return table.error("tags", "expected what a series can be called, with its measurement");
  }
  if (!begins_a_line(device.measurement)) {
    return table.error("measurement",
                       "expected no \"#\" and no tabulator at its beginning: the agent would take "
                       "no reading of it");
  }
  return rt::ok();
}

Result<ProtocolOptions> read_protocol(const rt::Config& config, const ConfigTable& table) {
  ProtocolOptions options;
  options.kind = kind_of(table.text("protocol"));
  options.pattern = table.text("pattern");
  for (const auto& [field, unit] : table.map("units")) {
    if (!is_quantity(field, unit)) {
      return table.error("units", "expected what fields and units can be called");
    }
    options.units[field] = unit;
  }
  if (options.kind == Kind::kPattern && options.pattern.empty()) {
    return table.error("pattern", "expected a regular expression with named groups");
  }
  if (options.kind != Kind::kPattern && !options.pattern.empty()) {
    return table.error("pattern", "expected protocol = \"pattern\" beside it");
  }
  options.modbus_unit = static_cast<std::uint8_t>(table.integer("modbus_unit"));
  options.modbus_every = table.duration("modbus_every");
  for (const ConfigTable& each : config.tables("modbus_value")) {
    if (each.text("device") != table.text("name")) continue;
    auto value = read_modbus_value(each);
    if (!value) return value.error();
    const auto& values = options.modbus_values;
    if (std::ranges::find(values, value->field, &ModbusValue::field) != values.end()) {
      return each.error("field", "expected one that the device does not have yet");
    }
    options.modbus_values.push_back(*std::move(value));
  }
  if (options.kind == Kind::kModbus) {
    const std::size_t count = options.modbus_values.size();
    if (count == 0 || count > kModbusValuesMax) {
      return table.error("protocol", fmt::format("expected 1 to {} [[modbus_value]] with device = "
                                                 "\"{}\"",
                                                 kModbusValuesMax, table.text("name")));
    }
  } else if (auto made = make_protocol(options); !made) {
    return table.error("pattern", made.error().message);
  }
  return options;
}

/// On a serial line 0 is everybody, whom nobody answers for; over TCP, 255 is usual where no bus is
/// behind the device.
Status check_modbus_unit(const ConfigTable& table, const DeviceConfig& device) {
  constexpr unsigned kUnitMax = 247;
  constexpr unsigned kTcpDeviceItself = 255;
  const unsigned unit = device.protocol.modbus_unit;
  if (device.address.is_serial()) {
    if (unit != 0 && unit <= kUnitMax) return rt::ok();
    return table.error("modbus_unit", "expected an integer from 1 to 247 at a serial port");
  }
  if (unit <= kUnitMax || unit == kTcpDeviceItself) return rt::ok();
  return table.error("modbus_unit", "expected an integer from 0 to 247, or 255, at tcp://");
}

/// What the port cannot be together with what the board speaks.
Status check_port(const ConfigTable& table, const DeviceConfig& device) {
  const PortAddress& address = device.address;
  const bool is_modbus = device.protocol.kind == Kind::kModbus;
  if (is_modbus && address.is_listened_at()) {
    return table.error("port", "expected a serial port or tcp:// for modbus");
  }
  if (is_modbus && address.is_serial() && device.serial.data_bits != 8) {
    return table.error("framing", "expected 8 data bits for modbus: it is RTU");
  }
  if (device.flash && is_modbus) {
    return table.error("part", "expected it empty: a Modbus device is not flashed");
  }
  if (device.flash && !address.is_serial()) {
    return table.error("part", "expected a serial port: nothing else is flashed");
  }
  if (device.flash) {
    if (auto part = find_avr_part(device.flash->part); !part) {
      return table.error("part", part.error().message);
    }
    if (auto known = check_programmer(device.flash->programmer); !known) {
      return table.error("programmer", known.error().message);
    }
  }
  if (device.flash && device.protocol.kind != Kind::kFrames) {
    return table.error("part",
                       "expected protocol = \"frames\": no other tells which firmware runs");
  }
  if (address.is_listened_at() && !rt::is_loopback_host(address.host) &&
      !table.flag("allow_insecure")) {
    return table.error("port",
                       fmt::format("expected a loopback address, or allow_insecure = true beside "
                                   "it: {} takes readings of whoever reaches it",
                                   address.text()));
  }
  return rt::ok();
}

Result<DeviceConfig> read_device(const rt::Config& config, const ConfigTable& table) {
  DeviceConfig device;
  device.name = table.text("name");
  device.address = parse_port_address(table.text("port")).value();
  device.serial =
      parse_framing(table.text("framing"), static_cast<unsigned>(table.integer("baud"))).value();
  auto protocol = read_protocol(config, table);
  if (!protocol) return protocol.error();
  device.protocol = *std::move(protocol);
  device.measurement = table.text("measurement");
  for (const auto& [key, value] : table.map("tags")) {
    if (key == "device") return table.error("tags", "expected none called device: that is `name`");
    device.tags.emplace_back(key, value);
  }
  std::ranges::sort(device.tags);
  device.silent_after = table.duration("silent_after");
  if (!table.text("part").empty()) {
    if (auto part = find_avr_part(table.text("part")); !part) {
      return table.error("part", part.error().message);
    }
    device.flash = FlashOptions{.part = table.text("part"),
                                .programmer = table.text("programmer"),
                                .baud = static_cast<unsigned>(table.integer("flash_baud"))};
  }
  if (auto fits = check_names(table, device); !fits) return fits.error();
  if (auto fits = check_port(table, device); !fits) return fits.error();
  if (auto fits = check_modbus_unit(table, device); !fits) return fits.error();
  return device;
}

/// Modbus devices with different addresses may be on one bus.
Status check_same_port(const ConfigTable& table, const DeviceConfig& other,
                       const DeviceConfig& device) {
  const auto is_modbus = [](const DeviceConfig& each) {
    return each.protocol.kind == Kind::kModbus;
  };
  if (!is_modbus(other) || !is_modbus(device)) {
    return table.error("port", fmt::format("expected one of its own: {} has it", other.name));
  }
  if (other.protocol.modbus_unit == device.protocol.modbus_unit) {
    return table.error("modbus_unit",
                       fmt::format("expected one of its own on this bus: {} has it", other.name));
  }
  const auto settings = [](const SerialSettings& serial) {
    return std::tie(serial.baud, serial.data_bits, serial.parity, serial.stop_bits);
  };
  if (settings(other.serial) != settings(device.serial)) {
    return table.error(
        "baud", fmt::format("expected baud and framing of {}: it is on the same bus", other.name));
  }
  return rt::ok();
}

/// Two paths of one address are one listener's.
bool is_same_port(const PortAddress& one, const PortAddress& other) {
  if (one.is_listened_at() && one.kind == other.kind) return one.host_port() == other.host_port();
  return one.text() == other.text();
}

/// One port of two boards, or one name, would be nobody's.
Status check_distinct(const ConfigTable& table, const std::vector<DeviceConfig>& before,
                      const DeviceConfig& device) {
  for (const DeviceConfig& other : before) {
    if (other.name == device.name) return table.error("name", "expected one that is not there yet");
    if (!is_same_port(other.address, device.address)) continue;
    if (auto fits = check_same_port(table, other, device); !fits) return fits;
  }
  return rt::ok();
}

Status check_modbus_devices(const rt::Config& config, const std::vector<DeviceConfig>& devices) {
  for (const ConfigTable& table : config.tables("modbus_value")) {
    const auto found = std::ranges::find(devices, table.text("device"), &DeviceConfig::name);
    if (found != devices.end() && found->protocol.kind == Kind::kModbus) continue;
    return table.error("device", "expected the name of a [[device]] with protocol = \"modbus\"");
  }
  return rt::ok();
}

}  // namespace

Result<BridgeConfig> read_bridge_config(const rt::Config& config) {
  BridgeConfig bridge;
  bridge.state_directory = config.section("bridge").text("state");
  bridge.control_socket = config.section("bridge").text("socket");
  bridge.agent_socket = config.section("agent").text("socket");
  bridge.log_level = rt::read_log_level(config.section("log"));
  for (const ConfigTable& table : config.tables("device")) {
    if (bridge.devices.size() == kDevicesMax) {
      return table.error("name", fmt::format("expected at most {} devices", kDevicesMax));
    }
    auto device = read_device(config, table);
    if (!device) return device.error();
    if (auto fits = check_distinct(table, bridge.devices, *device); !fits) return fits.error();
    bridge.devices.push_back(*std::move(device));
  }
  if (auto fits = check_modbus_devices(config, bridge.devices); !fits) return fits.error();
  return bridge;
}

}  // namespace fieldpost::bridge
