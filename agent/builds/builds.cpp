#include "agent/builds/builds.h"

#include <fmt/format.h>

namespace fieldpost::agent {

Builds::Builds(const BuildPorts& ports, SpoolFront& front, BodyWriter& bodies,
               const std::string& socket)
    : runner_(ports.loop, ports.streams, socket),
      shipper_(ports.loop, ports.clock, ports.log, front, runner_),
      verbs_(ports.loop, runner_, shipper_),
      artifacts_(ports.loop, ports.clock, runner_, bodies),
      watch_(ports.loop, ports.streams, socket, [this] { shipper_.look(); }) {}

void Builds::add_to(Inbox& inbox) {
  verbs_.add_to(inbox);
  artifacts_.add_to(inbox);
}

void Builds::start() {
  shipper_.start();
  watch_.start();
}

std::vector<std::string> Builds::labels() const {
  const std::uint32_t slots = shipper_.slots();
  if (slots == 0) return {};
  return {fmt::format("{}-slots={}", kRunnerLabel, slots)};
}

}  // namespace fieldpost::agent
