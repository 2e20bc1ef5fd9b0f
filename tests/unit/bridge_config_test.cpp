#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "firmware-bridge/config.h"

using namespace fieldpost;          // NOLINT
using namespace fieldpost::bridge;  // NOLINT

namespace {

using Kind = ProtocolOptions::Kind;
using Table = ModbusValue::Table;
using Format = ModbusValue::Format;
using Tags = std::vector<std::pair<std::string, std::string>>;

rt::Result<BridgeConfig> read(const std::string& text) {
  const auto config =
      rt::load_config(bridge_schema(), {.file_name = "bridge.toml", .file_text = text});
  if (!config) return config.error();
  return read_bridge_config(*config);
}

std::string message_of(const std::string& text) {
  const auto config = read(text);
  return config ? "no error" : config.error().message;
}

/// The message behind file and line.
std::string refusal(const std::string& text) {
  const std::string message = message_of(text);
  const std::size_t at = message.find(": ");
  return at == std::string::npos ? message : message.substr(at + 2);
}

std::string device(const std::string& name, const std::string& port, const std::string& more = "") {
  return fmt::format("[[device]]\nname = \"{}\"\nport = \"{}\"\n{}", name, port, more);
}

/// A device on a serial port, with these lines beside.
std::string board(const std::string& more) {
  return device("nano", "/dev/ttyUSB0", more);
}

std::string modbus(const std::string& name, const std::string& port, const std::string& more = "") {
  return device(name, port, "protocol = \"modbus\"\n" + more);
}

std::string value(const std::string& of, const std::string& field, const std::string& more = "") {
  return fmt::format("[[modbus_value]]\ndevice = \"{}\"\nfield = \"{}\"\n{}{}", of, field,
                     more.find("address") == std::string::npos ? "address = 7\n" : "", more);
}

/// A Modbus device whose one value has these lines.
std::string meter(const std::string& more) {
  return modbus("meter", "/dev/ttyS1") + value("meter", "power", more);
}

}  // namespace

TEST_CASE("a bridge's empty configuration is good, and has no devices") {
  const auto config = read("");
  REQUIRE(config.has_value());
  CHECK(config->state_directory == "/var/lib/fieldpost/bridge");
  CHECK(config->control_socket == "/run/fieldpost/bridge.sock");
  CHECK(config->agent_socket == "/run/fieldpost/agent.sock");
  CHECK(config->log_level == rt::LogLevel::kInfo);
  CHECK(config->devices.empty());
  const auto silent = read("[bridge]\nsocket = \"\"\n");
  REQUIRE(silent.has_value());
  CHECK(silent->control_socket == "");
}

TEST_CASE("a device needs no more than its name and its port") {
  const auto config = read(board(""));
  REQUIRE(config.has_value());
  const DeviceConfig& nano = config->devices.at(0);
  CHECK(nano.name == "nano");
  CHECK(nano.address.kind == PortAddress::Kind::kSerial);
  CHECK(nano.address.path == "/dev/ttyUSB0");
  CHECK(nano.serial.baud == 115'200);
  CHECK(nano.serial.data_bits == 8);
  CHECK(nano.serial.parity == SerialSettings::Parity::kNone);
  CHECK(nano.serial.stop_bits == 1);
  CHECK(nano.protocol.kind == Kind::kFrames);
  CHECK(nano.protocol.units.empty());
  CHECK(nano.measurement == "board");
  CHECK(nano.tags.empty());
  CHECK(nano.silent_after == rt::Seconds(10));
  CHECK_FALSE(nano.flash.has_value());
}

TEST_CASE("a device's keys reach what they steer") {
  const auto config = read(R"toml([bridge]
state = "/tmp/state"
socket = "/tmp/bridge.sock"
[agent]
socket = "/tmp/agent.sock"
[log]
level = "debug"
[[device]]
name = "greenhouse-3"
port = "usb:2341:0043:8573"
baud = 57600
framing = "7E2"
protocol = "pattern"
pattern = "T=(?P<temperature>[0-9.]+)"
measurement = "air"
tags = { row = "4", place = "roof" }
units = { temperature = "Cel" }
silent_after = "2m"
[[device]]
name = "uno"
port = "/dev/ttyACM0"
part = "atmega328p"
programmer = "urclock"
flash_baud = 57600
)toml");
  REQUIRE(config.has_value());
  CHECK(config->state_directory == "/tmp/state");
  CHECK(config->control_socket == "/tmp/bridge.sock");
  CHECK(config->agent_socket == "/tmp/agent.sock");
  CHECK(config->log_level == rt::LogLevel::kDebug);
  const DeviceConfig& device = config->devices.at(0);
  CHECK(device.address.text() == "usb:2341:0043:8573");
  CHECK(device.serial.baud == 57'600);
  CHECK(device.serial.data_bits == 7);
  CHECK(device.serial.parity == SerialSettings::Parity::kEven);
  CHECK(device.serial.stop_bits == 2);
  CHECK(device.protocol.kind == Kind::kPattern);
  CHECK(device.protocol.pattern == "T=(?P<temperature>[0-9.]+)");
  CHECK(device.protocol.units.at("temperature") == "Cel");
  CHECK(device.measurement == "air");
  CHECK(device.tags == Tags{{"place", "roof"}, {"row", "4"}});
  CHECK(device.silent_after == rt::Seconds(120));
  CHECK_FALSE(device.flash.has_value());
  const auto& flash = config->devices.at(1).flash;
  REQUIRE(flash.has_value());
  CHECK(flash->part == "atmega328p");
  CHECK(flash->programmer == "urclock");
  CHECK(flash->baud == 57'600);
}

TEST_CASE("devices keep the file's order, and speak what they are told to") {
  const auto config =
      read(device("b", "/dev/ttyUSB0", "protocol = \"line_protocol\"\n") +
           device("a", "tcp://10.0.0.5:2000", "protocol = \"json\"\n") +
           device("c", "udp://127.0.0.1:5000", "protocol = \"nmea\"\n") +
           device("d", "http://[::1]:8087/d") + modbus("e", "tcp://plc:502") + value("e", "v"));
  REQUIRE(config.has_value());
  REQUIRE(config->devices.size() == 5);
  const std::pair<std::string, Kind> expected[] = {{"b", Kind::kLineProtocol},
                                                   {"a", Kind::kJson},
                                                   {"c", Kind::kNmea},
                                                   {"d", Kind::kFrames},
                                                   {"e", Kind::kModbus}};
  for (std::size_t i = 0; i < 5; ++i) {
    INFO(i);
    CHECK(config->devices[i].name == expected[i].first);
    CHECK(config->devices[i].protocol.kind == expected[i].second);
  }
  CHECK(config->devices[3].address.path == "/d");
}

TEST_CASE("a refusal names file, line and key") {
  CHECK(message_of(board("pattern = \"x\"\n")) ==
        "bridge.toml:4: device.pattern: expected protocol = \"pattern\" beside it");
  CHECK(message_of(device("a", "/dev/a") + device("a", "/dev/b")) ==
        "bridge.toml:5: device.name: expected one that is not there yet");
  CHECK(message_of("[[device]]\nport = \"/dev/a\"\n") ==
        "bridge.toml:1: device.name: missing; it has no default");
  CHECK(message_of("[[device]]\nname = \"a\"\n") ==
        "bridge.toml:1: device.port: missing; it has no default");
}

TEST_CASE("a value of a device that is none is refused by its key") {
  CHECK(refusal(device("A", "/dev/a")) ==
        "device.name: expected a name of [a-z0-9][a-z0-9_-]{0,62}, got \"A\"");
  for (const std::string port : {"ttyUSB0", "usb:1:2", "tcp://host", "http://", "ftp://a:1"}) {
    INFO(port);
    CHECK(refusal(device("a", port)).starts_with("device.port: expected a path, usb:"));
  }
  CHECK(refusal(board("framing = \"9N1\"\n")).starts_with("device.framing: expected 7 or 8, "));
  CHECK(refusal(board("baud = 49\n")).starts_with("device.baud: expected an integer"));
  CHECK(refusal(board("baud = 4000001\n")).starts_with("device.baud: expected an integer"));
  CHECK(refusal(board("protocol = \"morse\"\n")).starts_with("device.protocol: expected one of"));
  CHECK(refusal(board("measurement = \"\"\n")).starts_with("device.measurement: expected a name"));
  CHECK(refusal(board("silent_after = \"999ms\"\n"))
            .starts_with("device.silent_after: expected a duration"));
  CHECK(refusal(board("flash_baud = 300\n")).starts_with("device.flash_baud: expected an integer"));
  CHECK(
      refusal(board("modbus_unit = 248\n")).starts_with("device.modbus_unit: expected an integer"));
  CHECK(refusal(board("modbus_every = \"9ms\"\n"))
            .starts_with("device.modbus_every: expected a duration"));
  CHECK(refusal(board("speed = 9600\n")).starts_with("device.speed: unknown key"));
  CHECK(refusal("[agent]\nsocket = \"\"\n")
            .starts_with("agent.socket: expected the path of a socket"));
  CHECK(refusal("[bridge]\nstate = \"\"\n").starts_with("bridge.state: expected a directory"));
}

TEST_CASE("a pattern is there for protocol pattern only, and has named groups") {
  const std::string pattern = "protocol = \"pattern\"\n";
  CHECK(refusal(board(pattern)) ==
        "device.pattern: expected a regular expression with named groups");
  CHECK(refusal(board(pattern + "pattern = \"(?P<t>\"\n")).starts_with("device.pattern: pattern "));
  CHECK(refusal(board(pattern + "pattern = \"[0-9]+\"\n"))
            .starts_with("device.pattern: pattern \"[0-9]+\": it has no named group"));
  CHECK(refusal(board("protocol = \"json\"\npattern = \"(?P<t>.)\"\n")) ==
        "device.pattern: expected protocol = \"pattern\" beside it");
}

TEST_CASE("names that no series can have are refused") {
  CHECK(refusal(board("tags = { device = \"x\" }\n")) ==
        "device.tags: expected none called device: that is `name`");
  const std::string tags =
      "device.tags: expected what a series can be called, with its measurement";
  CHECK(refusal(board("tags = { place = \"\" }\n")) == tags);
  CHECK(refusal(board("tags = { place = \"a\\nb\" }\n")) == tags);
  CHECK(refusal(board("measurement = \"a\\nb\"\n")) == tags);
  for (const char* unsayable : {"#x", "\\tx"}) {
    INFO(unsayable);
    CHECK(
        refusal(board(fmt::format("measurement = \"{}\"\n", unsayable))) ==
        "device.measurement: expected no \"#\" and no tabulator at its beginning: the agent would "
        "take no reading of it");
  }
  CHECK(refusal(board("measurement = \" x#\"\n")) == "no error");
  CHECK(refusal(board("units = { t = \"a\\nb\" }\n")) ==
        "device.units: expected what fields and units can be called");
  CHECK(refusal(board("tags = { \"my place\" = \"a, b = c\" }\nmeasurement = \"my air\"\n")) ==
        "no error");
}

TEST_CASE("one name and one port belong to one device") {
  CHECK(refusal(device("a", "/dev/a") + device("b", "/dev/a")) ==
        "device.port: expected one of its own: a has it");
  CHECK(refusal(device("a", "usb:2341:0043") + device("b", "usb:2341:0043:77")) == "no error");
  CHECK(refusal(device("a", "usb:2341:00ab") + device("b", "usb:2341:00AB")) ==
        "device.port: expected one of its own: a has it");
  CHECK(refusal(device("a", "http://127.0.0.1:1/a") + device("b", "http://127.0.0.1:1/b")) ==
        "device.port: expected one of its own: a has it");
  CHECK(refusal(device("a", "http://127.0.0.1:1/a") + device("b", "udp://127.0.0.1:1")) ==
        "no error");
}

TEST_CASE("whoever is let in from elsewhere is let in on purpose") {
  for (const std::string port : {"udp://0.0.0.0:5000", "http://10.0.0.7:80/a", "udp://[::]:1"}) {
    INFO(port);
    CHECK(refusal(device("a", port))
              .starts_with("device.port: expected a loopback address, or allow_insecure = true"));
    CHECK(refusal(device("a", port, "allow_insecure = true\n")) == "no error");
  }
  for (const std::string port :
       {"udp://127.0.0.1:5000", "udp://[::1]:1", "http://localhost:80/a", "tcp://10.0.0.7:2000"}) {
    INFO(port);
    CHECK(refusal(device("a", port)) == "no error");
  }
}

TEST_CASE("only boards of a known part on a serial port are flashed") {
  const std::string part = "part = \"atmega328p\"\n";
  CHECK(refusal(board(part)) == "no error");
  CHECK(refusal(device("a", "usb:2341:0043", part)) == "no error");
  for (const std::string port : {"tcp://10.0.0.7:2000", "udp://127.0.0.1:1", "http://[::1]:1/a"}) {
    INFO(port);
    CHECK(refusal(device("a", port, part)) ==
          "device.part: expected a serial port: nothing else is flashed");
  }
  CHECK(refusal(board(part + "protocol = \"json\"\n")) ==
        "device.part: expected protocol = \"frames\": no other tells which firmware runs");
  CHECK(refusal(board("part = \"z80\"\n")).starts_with("device.part: part \"z80\" is not known"));
  CHECK(refusal(board(part + "programmer = \"Arduino\"\n")) == "no error");
  CHECK(refusal(board(part + "programmer = \"usbasp\"\n")) == "no error");
  CHECK(refusal(board(part + "programmer = \"arduin\"\n"))
            .starts_with("device.programmer: \"arduin\" is not known; there are the bootloaders "));
  CHECK(refusal(board(part + "programmer = \"stk500v1\"\n"))
            .starts_with("device.programmer: \"stk500v1\" may be a bootloader or a programmer"));
  CHECK(refusal(modbus("a", "/dev/a", part) + value("a", "v")) ==
        "device.part: expected it empty: a Modbus device is not flashed");
}

TEST_CASE("a Modbus device has the values of its name, in the file's order") {
  const auto config =
      read(modbus("m1", "/dev/ttyS1", "modbus_unit = 17\nmodbus_every = \"5s\"\n") +
           modbus("m2", "tcp://plc:502") + value("m1", "power") + R"([[modbus_value]]
device = "m2"
field = "open"
table = "coil"
address = 65535
[[modbus_value]]
device = "m1"
field = "energy"
unit = "kWh"
table = "input"
address = 65532
format = "f64"
low_word_first = true
scale = "0.1"
offset = "-40"
)");
  REQUIRE(config.has_value());
  const ProtocolOptions& first = config->devices.at(0).protocol;
  CHECK(first.modbus_unit == 17);
  CHECK(first.modbus_every == rt::Seconds(5));
  REQUIRE(first.modbus_values.size() == 2);
  const ModbusValue& power = first.modbus_values[0];
  CHECK(power.field == "power");
  CHECK(power.unit == "");
  CHECK(power.table == Table::kHolding);
  CHECK(power.address == 7);
  CHECK(power.format == Format::kU16);
  CHECK_FALSE(power.low_word_first);
  CHECK(power.scale == 1.0);
  CHECK(power.offset == 0.0);
  const ModbusValue& energy = first.modbus_values[1];
  CHECK(energy.unit == "kWh");
  CHECK(energy.table == Table::kInput);
  CHECK(energy.address == 65'532);
  CHECK(energy.format == Format::kF64);
  CHECK(energy.low_word_first);
  CHECK(energy.scale == 0.1);
  CHECK(energy.offset == -40.0);
  const ProtocolOptions& second = config->devices.at(1).protocol;
  CHECK(second.modbus_unit == 1);
  REQUIRE(second.modbus_values.size() == 1);
  CHECK(second.modbus_values[0].table == Table::kCoil);
  CHECK(second.modbus_values[0].format == Format::kBool);
}

TEST_CASE("each format and table of a Modbus value has its word") {
  const std::pair<std::string, Format> formats[] = {
      {"u16", Format::kU16}, {"i16", Format::kI16}, {"u32", Format::kU32},
      {"i32", Format::kI32}, {"u64", Format::kU64}, {"i64", Format::kI64},
      {"f32", Format::kF32}, {"f64", Format::kF64}, {"bool", Format::kBool}};
  for (const auto& [word, format] : formats) {
    INFO(word);
    const auto config = read(meter("format = \"" + word + "\"\n"));
    REQUIRE(config.has_value());
    CHECK(config->devices.at(0).protocol.modbus_values.at(0).format == format);
  }
  const std::pair<std::string, Table> tables[] = {{"holding", Table::kHolding},
                                                  {"input", Table::kInput},
                                                  {"coil", Table::kCoil},
                                                  {"discrete", Table::kDiscrete}};
  for (const auto& [word, table] : tables) {
    INFO(word);
    const auto config = read(meter("table = \"" + word + "\"\n"));
    REQUIRE(config.has_value());
    CHECK(config->devices.at(0).protocol.modbus_values.at(0).table == table);
  }
}

TEST_CASE("a Modbus value that is none is refused by its key") {
  for (const std::string number : {"", "x", "1,5", "1e999", "nan", "inf", "1 ", "0x10"}) {
    INFO(number);
    CHECK(refusal(meter("scale = \"" + number + "\"\n")) ==
          "modbus_value.scale: expected a number in quotes, such as \"0.1\"");
    CHECK(refusal(meter("offset = \"" + number + "\"\n")) ==
          "modbus_value.offset: expected a number in quotes, such as \"0.1\"");
  }
  CHECK(
      refusal(meter("address = 65536\n")).starts_with("modbus_value.address: expected an integer"));
  CHECK(refusal(meter("address = 65535\nformat = \"u32\"\n"))
            .starts_with("modbus_value.address: 2 registers from 65535 on end behind the last"));
  CHECK(refusal(meter("format = \"u8\"\n")).starts_with("modbus_value.format: expected one of"));
  CHECK(refusal(meter("table = \"file\"\n")).starts_with("modbus_value.table: expected one of"));
  CHECK(refusal(meter("unit = \"a\\nb\"\n")) ==
        "modbus_value.field: expected what a field can be called, with its unit");
  CHECK(refusal(meter("") + value("meter", "a\\nb")) ==
        "modbus_value.field: expected what a field can be called, with its unit");
  CHECK(refusal(meter("") + value("meter", "power", "address = 8\n")) ==
        "modbus_value.field: expected one that the device does not have yet");
  CHECK(refusal(modbus("meter", "/dev/a") +
                "[[modbus_value]]\ndevice = \"meter\"\nfield = \"v\"\n") ==
        "modbus_value.address: missing; it has no default");
}

TEST_CASE("Modbus devices and values belong together") {
  CHECK(refusal(modbus("m", "/dev/a")).starts_with("device.protocol: expected 1 to 1000 "));
  std::string many = modbus("m", "/dev/a");
  for (int i = 0; i < 1000; ++i) many += value("m", fmt::format("v{}", i));
  CHECK(refusal(many) == "no error");
  CHECK(refusal(many + value("m", "more")).starts_with("device.protocol: expected 1 to 1000 "));
  const std::string nobody =
      "modbus_value.device: expected the name of a [[device]] with protocol = \"modbus\"";
  CHECK(refusal(meter("") + value("other", "v")) == nobody);
  CHECK(refusal(board("") + value("nano", "v")) == nobody);
  for (const std::string port : {"udp://127.0.0.1:1", "http://127.0.0.1:1/a"}) {
    INFO(port);
    CHECK(refusal(modbus("m", port) + value("m", "v")) ==
          "device.port: expected a serial port or tcp:// for modbus");
  }
  CHECK(refusal(modbus("m", "/dev/a", "framing = \"7E1\"\n") + value("m", "v")) ==
        "device.framing: expected 8 data bits for modbus: it is RTU");
}

TEST_CASE("a Modbus device has an address that somebody answers for at its port") {
  const auto at = [](const std::string& port, int unit) {
    return refusal(modbus("m", port, fmt::format("modbus_unit = {}\n", unit)) + value("m", "v"));
  };
  for (const int unit : {1, 247}) {
    INFO("unit ", unit);
    CHECK(at("/dev/a", unit) == "no error");
    CHECK(at("usb:2341:0043", unit) == "no error");
    CHECK(at("tcp://10.0.0.7:502", unit) == "no error");
  }
  for (const int unit : {0, 255}) {
    INFO("unit ", unit);
    CHECK(at("/dev/a", unit) ==
          "device.modbus_unit: expected an integer from 1 to 247 at a serial port");
    CHECK(at("usb:2341:0043", unit) == at("/dev/a", unit));
    CHECK(at("tcp://10.0.0.7:502", unit) == "no error");
  }
  for (const int unit : {248, 254}) {
    INFO("unit ", unit);
    CHECK(at("tcp://10.0.0.7:502", unit) ==
          "device.modbus_unit: expected an integer from 0 to 247, or 255, at tcp://");
  }
  const auto config = read(modbus("m", "tcp://plc:502", "modbus_unit = 255\n") + value("m", "v"));
  REQUIRE(config.has_value());
  CHECK(config->devices.at(0).protocol.modbus_unit == 255);
}

TEST_CASE("Modbus devices of one bus have an address each, and its settings") {
  const auto pair = [](const std::string& first, const std::string& second) {
    return refusal(modbus("a", "/dev/bus", first) + modbus("b", "/dev/bus", second) +
                   value("a", "v") + value("b", "v"));
  };
  CHECK(pair("modbus_unit = 1\n", "modbus_unit = 2\n") == "no error");
  CHECK(pair("", "") == "device.modbus_unit: expected one of its own on this bus: a has it");
  CHECK(pair("", "modbus_unit = 2\nbaud = 9600\n") ==
        "device.baud: expected baud and framing of a: it is on the same bus");
  CHECK(pair("framing = \"8E1\"\n", "modbus_unit = 2\n") ==
        "device.baud: expected baud and framing of a: it is on the same bus");
  CHECK(refusal(modbus("a", "/dev/bus") + value("a", "v") + device("b", "/dev/bus")) ==
        "device.port: expected one of its own: a has it");
}

TEST_CASE("a Modbus device is compared with all that are on its bus") {
  const std::string two = modbus("a", "/dev/bus") + modbus("b", "/dev/bus", "modbus_unit = 2\n") +
                          value("a", "v") + value("b", "v");
  const auto with = [&](const std::string& lines) {
    return refusal(two + modbus("c", "/dev/bus", lines) + value("c", "v"));
  };
  CHECK(with("modbus_unit = 3\n") == "no error");
  CHECK(with("modbus_unit = 2\n") ==
        "device.modbus_unit: expected one of its own on this bus: b has it");
  CHECK(refusal(two + modbus("b", "/dev/bus", "modbus_unit = 3\n")) ==
        "device.name: expected one that is not there yet");
}

TEST_CASE("a bridge has so many devices and no more") {
  std::string text;
  for (std::size_t i = 0; i < kDevicesMax; ++i) {
    text += device(fmt::format("d{}", i), fmt::format("/dev/{}", i));
  }
  CHECK(refusal(text) == "no error");
  CHECK(refusal(text + device("more", "/dev/more")) ==
        fmt::format("device.name: expected at most {} devices", kDevicesMax));
}
