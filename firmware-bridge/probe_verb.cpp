#include "firmware-bridge/probe_verb.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "firmware-bridge/config.h"
#include "firmware-bridge/devices/probe.h"
#include "firmware-bridge/ports/real_ports.h"
#include "firmware-bridge/ports/usb_names.h"
#include "firmware-bridge/protocols/make_protocol.h"
#include "proto/rt/real_loop.h"
#include "proto/rt/system_clock.h"

namespace fieldpost::bridge {
namespace {

using Json = nlohmann::ordered_json;
using rt::Errc;
using rt::Error;
using rt::Result;

constexpr rt::Nanos kProbeMost = rt::Seconds(120);  ///< all baud rates, with room

int fail(const Error& error) {
  fmt::print(stderr, "fieldpost-bridge: {}\n", error.message);
  return rt::exit_code_of(error.code == Errc::kInvalid ? Errc::kIo : error.code);
}

int usage(const Error& error) {
  fmt::print(stderr, "fieldpost-bridge: {}; see fieldpost-bridge --help\n", error.message);
  return rt::kExitUsage;
}

Json usb_json(const SerialPortInfo& port) {
  if (!port.usb) return nullptr;
  return {{"vendor", fmt::format("{:04x}", port.usb->vendor)},
          {"product", fmt::format("{:04x}", port.usb->product)},
          {"serial", port.usb->serial}};
}

int list_ports(bool json) {
  Json items = Json::array();
  for (const SerialPortInfo& port : list_serial_ports()) {
    items.push_back({{"path", port.path}, {"by_id", port.by_id}, {"usb", usb_json(port)}});
    if (json) continue;
    std::string address =
        port.usb ? fmt::format("usb:{:04x}:{:04x}", port.usb->vendor, port.usb->product) : "";
    if (port.usb && !port.usb->serial.empty()) address += ":" + port.usb->serial;
    fmt::print("{:<16} {:<36} {}\n", port.path, address, port.by_id);
  }
  if (json) fmt::print("{}\n", Json({{"items", items}}).dump(2));
  if (!json && items.empty()) {
    fmt::print("there is no serial port with hardware behind it: is the board plugged in?\n");
  }
  return rt::kExitDone;
}

/// PORT is a port, or the name of a [[device]] whose settings count then.
Result<ProbeOptions> read_options(const rt::DaemonCommand& command) {
  const std::string& port = *command.value("PORT");
  auto config = read_bridge_config(command.config);
  FP_CHECK(config.has_value());
  ProbeOptions options;
  bool is_device = false;
  for (const DeviceConfig& device : config->devices) {
    if (device.name != port && device.address.text() != port) continue;
    is_device = true;
    options.address = device.address;
    options.serial = device.serial;
    options.protocol = device.protocol;
  }
  if (!is_device) {
    auto address = parse_port_address(port);
    if (!address) return address.error();
    options.address = *std::move(address);
  }
  if (options.address.is_listened_at()) {
    return Error{Errc::kInvalid,
                 "expected a serial port or tcp://: at others boards knock "
                 "themselves"};
  }
  if (options.protocol.kind == ProtocolOptions::Kind::kModbus) {
    return Error{Errc::kInvalid,
                 "a Modbus device says nothing by itself: look at what "
                 "`fieldpost-bridge status` tells of it"};
  }
  unsigned baud = options.serial.baud;
  if (const std::string* text = command.value("--baud")) {
    const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), baud);
    if (failed != std::errc() || end != text->data() + text->size()) {
      return Error{Errc::kInvalid, "--baud: expected a number"};
    }
    if (auto fits = parse_framing("8N1", baud); !fits) {
      return Error{Errc::kInvalid, "--baud: " + fits.error().message};
    }
    options.serial.baud = baud;
  }
  if (const std::string* framing = command.value("--framing")) {
    auto serial = parse_framing(*framing, baud);
    if (!serial) return serial.error();
    options.serial = *serial;
  }
  return options;
}

std::string value_text(const mapping::DeviceValue& value) {
  const wire::SeriesKey key{"x", {}, "v", value.type, ""};
  const std::string line = wire::format_line(key, 0, value.bits, value.text);
  return line.substr(4, line.rfind(' ') - 4);  // "x v=VALUE 0"
}

Json report_json(const ProbeReport& report) {
  const ProtocolCounts& counts = report.traffic.counts;
  Json series = Json::array();
  for (const ProbedSeries& each : report.series) {
    series.push_back({{"measurement", each.key.measurement},
                      {"field", each.key.field},
                      {"unit", each.key.unit},
                      {"last", value_text(each.last)},
                      {"count", each.count}});
  }
  Json out = {{"port", report.port},
              {"verdict", to_string(report.diagnosis.verdict)},
              {"diagnosis", report.diagnosis.text},
              {"bytes", counts.bytes},
              {"good", counts.good},
              {"lost", report.lost},
              {"bad", counts.bad},
              {"bad_checksum", counts.bad_checksum},
              {"other_version", counts.other_version},
              {"undeclared", counts.undeclared},
              {"boots", report.boots},
              {"fitting_baud", report.fitting_baud},
              {"device", nullptr},
              {"series", series}};
  if (report.fitting_baud != 0) out["fitting_protocol"] = to_string(report.fitting_protocol);
  if (report.hello) {
    out["device"] = {{"name", report.hello->name},
                     {"firmware", report.hello->firmware},
                     {"boot", to_string(report.hello->boot)}};
  }
  return out;
}

void print_report(const ProbeReport& report) {
  const ProtocolCounts& counts = report.traffic.counts;
  fmt::print("{}: {}\n", report.port, report.diagnosis.text);
  fmt::print("  {} bytes, {} good, {} with a wrong checksum, {} not understood, {} lost\n",
             counts.bytes, counts.good, counts.bad_checksum, counts.bad, report.lost);
  if (report.hello) {
    fmt::print("  it is {}, firmware {}, started by {}\n", report.hello->name,
               report.hello->firmware, to_string(report.hello->boot));
  }
  for (const ProbedSeries& each : report.series) {
    const std::string where = each.key.measurement.empty() ? "" : each.key.measurement + " ";
    fmt::print("  {}{} = {} {} ({} times)\n", where, each.key.field, value_text(each.last),
               each.key.unit, each.count);
  }
  if (report.readings_untold != 0) {
    fmt::print("  and {} readings of more series\n", report.readings_untold);
  }
}

int run_probe(const rt::DaemonCommand& command) {
  const bool json = command.has("--json");
  if (command.value("PORT") == nullptr) return list_ports(json);
  auto options = read_options(command);
  if (!options) return usage(options.error());
  rt::RealLoop loop;
  const rt::SystemClock clock;
  RealPorts ports(loop, clock);
  std::optional<ProbeReport> report;
  Probe probe(
      {loop, clock, ports}, *options, make_protocol,
      [](const std::string& line) { fmt::print(stderr, "probe: {}\n", line); },
      [&report](ProbeReport done) { report = std::move(done); });
  if (!loop.run_until([&] { return report.has_value(); }, kProbeMost)) {
    return fail({Errc::kUnavailable, "the probe did not come to an end"});
  }
  if (json) {
    fmt::print("{}\n", report_json(*report).dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    print_report(*report);
  }
  if (report->diagnosis.verdict == Verdict::kDenied) return rt::kExitDenied;
  return report->diagnosis.verdict == Verdict::kGood ? rt::kExitDone : rt::kExitFailed;
}

}  // namespace

rt::DaemonVerb probe_verb() {
  return {.name = "probe",
          .meaning = "says what a board at a port sends, or why not; without PORT lists ports",
          .flags = {"--json"},
          .run = run_probe,
          .options = {{"PORT", "PORT"}, {"--baud", "BAUD"}, {"--framing", "8N1"}}};
}

}  // namespace fieldpost::bridge
