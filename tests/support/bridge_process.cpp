#include "tests/support/bridge_process.h"

#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "tests/support/plain_socket.h"
#include "tests/support/real_site.h"

namespace fieldpost::test {

namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto kOpenMost = 30s;

}  // namespace

BridgeProcess::BridgeProcess(std::string directory, const std::string& agent_socket,
                             const std::string& devices)
    : directory_(std::move(directory)),
      daemon_({FIELDPOST_BRIDGE, "--config", directory_ + "/bridge.toml"},
              directory_ + "/bridge.log") {
  std::ofstream(config_file()) << fmt::format(
      "[bridge]\nstate = \"{0}/bridge\"\nsocket = \"{0}/bridge.sock\"\n"
      "[agent]\nsocket = \"{1}\"\n[log]\nlevel = \"info\"\n{2}",
      directory_, agent_socket, devices);
}

Outcome BridgeProcess::run(const std::string& words) const {
  return run_command(fmt::format("{} --config {} {}", FIELDPOST_BRIDGE, config_file(), words));
}

json BridgeProcess::device(std::string_view name) const {
  PlainSocket socket = PlainSocket::to_path(directory_ + "/bridge.sock");
  std::string answer;
  if (!socket.send("{\"verb\":\"devices\"}\n")) return {};
  while (!answer.ends_with('\n') && socket.receive(answer)) {
  }
  const json said = json::parse(answer, nullptr, false);
  if (!said.is_object()) return {};
  for (const json& each : said.at("devices")) {
    if (each.at("name") == name) return each;
  }
  return {};
}

std::uint64_t BridgeProcess::count(std::string_view name, std::string_view what) const {
  const json said = device(name);
  return said.is_null() ? 0 : said.at("counts").at(what).get<std::uint64_t>();
}

bool BridgeProcess::hears(PtyBoard& board, std::string_view name, std::string_view nothing) const {
  const std::uint64_t before = count(name, "bytes");
  return wait_until(kOpenMost, [&] {
    board.send_what_fits(nothing);
    return count(name, "bytes") > before;
  });
}

std::string device_toml(std::string_view name, std::string_view port, std::string_view protocol,
                        std::string_view more) {
  return fmt::format("[[device]]\nname = \"{}\"\nport = \"{}\"\nprotocol = \"{}\"\n{}\n", name,
                     port, protocol, more);
}

}  // namespace fieldpost::test
