#include "firmware-bridge/config.h"
#include "proto/rt/config_parts.h"
#include "proto/wire/topics.h"

namespace fieldpost::bridge {
namespace {

using rt::ConfigSection;
using rt::ConfigType;

bool is_not_empty(std::string_view text) {
  return !text.empty();
}

bool is_port(std::string_view text) {
  return parse_port_address(text).has_value();
}

bool is_framing(std::string_view text) {
  return parse_framing(text, 9600).has_value();
}

ConfigSection bridge_section() {
  return {.name = "bridge",
          .keys = {{.name = "state",
                    .preset = "/var/lib/fieldpost/bridge",
                    .meaning = "a directory, made if it is not there",
                    .is_valid = is_not_empty,
                    .expectation = "a directory"},
                   {.name = "socket",
                    .preset = "/run/fieldpost/bridge.sock",
                    .meaning = "unix socket for flash and status; empty: none"}}};
}

ConfigSection agent_section() {
  return {.name = "agent",
          .keys = {{.name = "socket",
                    .preset = "/run/fieldpost/agent.sock",
                    .meaning = "where the agent takes lines",
                    .is_valid = is_not_empty,
                    .expectation = "the path of a socket"}}};
}

ConfigSection device_section() {
  ConfigSection section{
      .name = "device",
      .repeated = true,
      .keys = {
          {.name = "name",
           .meaning = "of the board, unique here; the tag `device` of its readings",
           .required = true,
           .is_valid = wire::is_valid_id,
           .expectation = "a name of [a-z0-9][a-z0-9_-]{0,62}"},
          {.name = "port",
           .meaning = "/dev/serial/by-id/…, usb:VVVV:PPPP[:SERIAL], tcp://, udp://, http://",
           .required = true,
           .is_valid = is_port,
           .expectation = "a path, usb:VVVV:PPPP[:SERIAL], tcp://HOST:PORT, udp://HOST:PORT or "
                          "http://HOST:PORT/PATH"},
          {.name = "baud",
           .type = ConfigType::kInteger,
           .preset = "115200",
           .least = "50",
           .most = "4000000",
           .meaning = "of a serial port"},
          {.name = "framing",
           .preset = "8N1",
           .meaning = "of a serial port: data bits, parity, stop bits",
           .is_valid = is_framing,
           .expectation = "7 or 8, N, E or O, 1 or 2, such as \"8N1\""},
          {.name = "protocol",
           .preset = "frames",
           .meaning = "what it speaks",
           .choices = {"frames", "line_protocol", "json", "nmea", "pattern", "modbus"}},
          {.name = "pattern", .meaning = "of a line, with named groups (?P<field>…)"},
          {.name = "measurement",
           .preset = "board",
           .meaning = "where the board names none",
           .is_valid = is_not_empty,
           .expectation = "a name"},
          {.name = "tags", .type = ConfigType::kMap, .meaning = "name to value"},
          {.name = "units",
           .type = ConfigType::kMap,
           .meaning = "field to unit, where the board declares none"},
          {.name = "silent_after",
           .type = ConfigType::kDuration,
           .preset = "10s",
           .least = "1s",
           .most = "1d",
           .meaning = "without a reading for so long it is told"},
          {.name = "modbus_unit",
           .type = ConfigType::kInteger,
           .preset = "1",
           .least = "0",
           .most = "255",
           .meaning = "address of the Modbus device: 1 to 247 at a serial port, 0 to 247 or 255 at "
                      "tcp://"},
          {.name = "modbus_every",
           .type = ConfigType::kDuration,
           .preset = "1s",
           .least = "10ms",
           .most = "1d",
           .meaning = "between two rounds of questions"},
          {.name = "part",
           .meaning = "of the board, as avrdude calls it; empty: nobody flashes it"},
          {.name = "programmer",
           .preset = "arduino",
           .meaning = "its bootloader, or an ISP programmer"},
          {.name = "flash_baud",
           .type = ConfigType::kInteger,
           .preset = "115200",
           .least = "1200",
           .most = "4000000",
           .meaning = "of its bootloader"}}};
  section.keys.push_back(rt::allow_insecure_key());
  return section;
}

ConfigSection modbus_value_section() {
  return {.name = "modbus_value",
          .repeated = true,
          .keys = {{.name = "device", .meaning = "which [[device]]", .required = true},
                   {.name = "field",
                    .meaning = "of the reading",
                    .required = true,
                    .is_valid = is_not_empty,
                    .expectation = "a name"},
                   {.name = "unit", .meaning = "of the reading"},
                   {.name = "table",
                    .preset = "holding",
                    .meaning = "where it stands",
                    .choices = {"holding", "input", "coil", "discrete"}},
                   {.name = "address",
                    .type = ConfigType::kInteger,
                    .least = "0",
                    .most = "65535",
                    .meaning = "as on the wire, from 0",
                    .required = true},
                   {.name = "format",
                    .preset = "u16",
                    .meaning = "of holding and input registers",
                    .choices = {"u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "bool"}},
                   {.name = "low_word_first",
                    .type = ConfigType::kFlag,
                    .preset = "false",
                    .meaning = "of values in several registers"},
                   {.name = "scale", .preset = "1", .meaning = "the value times this …"},
                   {.name = "offset", .preset = "0", .meaning = "… and this added"}}};
}

}  // namespace

const rt::ConfigSchema& bridge_schema() {
  static const rt::ConfigSchema schema = {bridge_section(), agent_section(), rt::log_section(),
                                          device_section(), modbus_value_section()};
  return schema;
}

}  // namespace fieldpost::bridge
