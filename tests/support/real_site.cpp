#include "tests/support/real_site.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "proto/rt/result.h"

namespace fieldpost::test {

namespace {

using namespace std::chrono_literals;

constexpr auto kAskPause = 50ms;

std::vector<std::string> command_of(std::vector<std::string> words, const std::string& program,
                                    const std::string& config) {
  words.insert(words.end(), {program, "--config", config});
  return words;
}

std::string state_path(const std::string& chosen, const std::string& own) {
  return chosen.empty() ? own : chosen;
}

}  // namespace

RealSite::RealSite(const RealSiteOptions& options)
    : broker_({.shipped = true, .persistence = true, .extra_config = "autosave_interval 1"}),
      agent_port_(free_port()),
      coordinator_port_(free_port()),
      socket_(directory_.file("agent.sock")),
      spool_file_(state_path(options.agent_state, directory_.file("agent")) + "/spool.db"),
      store_file_(state_path(options.coordinator_state, directory_.file("coordinator")) +
                  "/store.db"),
      agent_(command_of(options.agent_wrapper, FIELDPOST_AGENT, directory_.file("agent.toml")),
             directory_.file("agent.log")),
      coordinator_(command_of(options.coordinator_wrapper, FIELDPOST_COORDINATOR,
                              directory_.file("coordinator.toml")),
                   directory_.file("coordinator.log")) {
  std::ofstream(directory_.file("agent.toml")) << fmt::format(
      "[node]\nid = \"{}\"\nsite = \"{}\"\n[mqtt]\nurl = \"{}\"\n[spool]\npath = "
      "\"{}\"\n[listen]\nsocket = \"{}\"\nhttp = \"127.0.0.1:{}\"\n{}",
      kNodeName, kSiteName, broker_.url(),
      state_path(options.agent_state, directory_.file("agent")), socket_, agent_port_,
      options.agent_config);
  std::ofstream(directory_.file("coordinator.toml")) << fmt::format(
      "[site]\nname = \"{}\"\n[mqtt]\nurl = \"{}\"\n[http]\nlisten = "
      "\"127.0.0.1:{}\"\n[store]\nurl = \"sqlite://{}\"\n{}",
      kSiteName, broker_.url(), coordinator_port_,
      state_path(options.coordinator_state, directory_.file("coordinator")),
      options.coordinator_config);
}

void RealSite::delete_broker_state() {
  FP_CHECK(!broker_.running());
  std::filesystem::remove(broker_.directory() + "/mosquitto.db");
}

std::optional<nlohmann::json> RealSite::ask(const std::string& target) const {
  const HttpAnswer answer = http_call(coordinator_port_, "GET", target);
  if (answer.status != 200) return std::nullopt;
  auto json = nlohmann::json::parse(answer.body, nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

nlohmann::json RealSite::node(std::string_view id) const {
  const auto nodes = ask("/api/v1/nodes");
  if (!nodes) return {};
  for (const auto& node : nodes->at("items")) {
    if (node.at("id") == id) return node;
  }
  return {};
}

bool RealSite::drained() const {
  const auto shown = node();
  return !shown.is_null() && shown.at("online") == true && shown.at("spool").at("records") == 0;
}

bool wait_until(std::chrono::seconds most, const std::function<bool()>& happened) {
  const auto end = std::chrono::steady_clock::now() + most;
  while (!happened()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(kAskPause);
  }
  return true;
}

}  // namespace fieldpost::test
