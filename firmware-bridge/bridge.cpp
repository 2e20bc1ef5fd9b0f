#include "firmware-bridge/bridge.h"

#include <utility>

#include "firmware-bridge/protocols/make_protocol.h"

namespace fieldpost::bridge {
namespace {

DeviceReport report_of(const DeviceState& state) {
  DeviceReport report{.name = state.name, .port = state.port};
  if (state.diagnosis.verdict != Verdict::kGood) report.diagnosis = state.diagnosis.text;
  if (state.hello) report.firmware = state.hello->name + " " + state.hello->firmware;
  report.counts = {{"bytes", state.counts.bytes},
                   {"good", state.counts.good},
                   {"lost", state.lost},
                   {"bad", state.counts.bad},
                   {"bad_checksum", state.counts.bad_checksum},
                   {"other_version", state.counts.other_version},
                   {"undeclared", state.counts.undeclared},
                   {"readings", state.readings},
                   {"boots", state.boots}};
  return report;
}

}  // namespace

Bridge::Bridge(const BridgePorts& ports, const BridgeConfig& config)
    : agent_({ports.loop, ports.streams, ports.clock, ports.log}, config.agent_socket) {}

Bridge::~Bridge() = default;

rt::Result<std::unique_ptr<Bridge>> Bridge::make(const BridgePorts& ports,
                                                 const BridgeConfig& config) {
  std::unique_ptr<Bridge> bridge(new Bridge(ports, config));
  for (const DeviceConfig& device : config.devices) {
    if (auto added = bridge->add_device(ports, device); !added) return added.error();
  }
  // Readings do not stop for it.
  if (auto open = bridge->open_desk(ports, config); !open) {
    ports.log.error("nothing can be flashed{}: {}",
                    bridge->desk_ ? "" : ", and nobody asked at " + config.control_socket,
                    open.error().message);
  }
  if (!bridge->desk_ || config.control_socket.empty()) return bridge;
  Bridge* self = bridge.get();
  auto control =
      ControlServer::listen({ports.loop, *bridge->desk_, [self] { return self->reports(); }},
                            ports.streams, config.control_socket);
  if (!control) return control.error();
  bridge->control_ = *std::move(control);
  return bridge;
}

rt::Status Bridge::open_desk(const BridgePorts& ports, const BridgeConfig& config) {
  auto journal = FlashJournal::open(ports.files, config.state_directory + "/flash");
  if (!journal) return journal.error();
  journal_ = *std::move(journal);
  FlashDesk::Parts parts{ports.loop, ports.log, ports.flash_tool, *journal_, {}};
  for (const auto& [name, board] : boards_) {
    parts.devices.emplace(name, FlashDesk::Device{flashed_.at(name), *board});
  }
  desk_ = std::make_unique<FlashDesk>(std::move(parts));
  return desk_->start();
}

rt::Status Bridge::add_device(const BridgePorts& ports, const DeviceConfig& config) {
  if (config.protocol.kind == ProtocolOptions::Kind::kModbus) {
    modbus_.push_back(std::make_unique<ModbusSession>(
        ModbusSession::Ports{ports.loop, ports.log, agent_}, config, ports.modbus.make(config)));
    return rt::ok();
  }
  auto protocol = make_protocol(config.protocol);
  if (!protocol) return protocol.error();
  const DevicePorts device_ports{ports.loop, ports.clock, ports.log, ports.ports, agent_};
  if (config.address.is_listened_at()) {
    messages_.push_back(
        std::make_unique<MessageSession>(device_ports, config, *std::move(protocol)));
    return rt::ok();
  }
  sessions_.push_back(std::make_unique<DeviceSession>(device_ports, config, *std::move(protocol)));
  if (config.flash) {
    boards_.emplace(config.name,
                    std::make_unique<SessionBoard>(ports.loop, *sessions_.back(), ports.find_path));
    flashed_.emplace(config.name, *config.flash);
  }
  return rt::ok();
}

std::vector<DeviceState> Bridge::states() const {
  std::vector<DeviceState> states;
  for (const auto& session : sessions_) states.push_back(session->state());
  for (const auto& session : messages_) states.push_back(session->state());
  for (const auto& session : modbus_) states.push_back(session->state());
  return states;
}

std::vector<DeviceReport> Bridge::reports() const {
  std::vector<DeviceReport> reports;
  for (const DeviceState& state : states()) reports.push_back(report_of(state));
  return reports;
}

}  // namespace fieldpost::bridge
