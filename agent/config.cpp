#include "agent/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <set>
#include <string>

#include "agent/builds/builds.h"
#include "proto/mapping/http_route_config.h"
#include "proto/wire/influx_http.h"
#include "proto/wire/limits.h"

namespace fieldpost::agent {
namespace {

using rt::ConfigTable;
using rt::Result;

constexpr std::size_t kClassesMax = wire::kReadingClassesMax - 1;  // class 0: what none matches
/// The node's state tells of each source and route, and of [listen] socket and http, which is two.
constexpr std::size_t kSourceTablesMax = wire::kSourcesMax - 3;
constexpr std::size_t kBridgesMax = 16;
constexpr std::size_t kRunnerLabels = 2;  // that it is there, and its slots
constexpr std::size_t kReadingBytes = 2;  // in a batch, at worst about

ShedPolicy read_policy(const std::string& name) {
  if (name == "thin") return ShedPolicy::kThin;
  return name == "drop_newest" ? ShedPolicy::kDropNewest : ShedPolicy::kDropOldest;
}

rt::Status read_classes(const rt::Config& config, SpoolFrontOptions& spool) {
  spool.shed.policies = {read_policy(config.section("spool").text("when_full"))};
  for (const ConfigTable& table : config.tables("class")) {
    if (spool.shed.policies.size() > kClassesMax)
      return table.error("match", fmt::format("expected at most {} classes", kClassesMax));
    // A write is taken as a whole, so raw messages that are refused would take along what was made
    // of them.
    if (table.text("match").starts_with(wire::kRawMeasurement) &&
        table.text("policy") == "drop_newest") {
      return table.error("policy", "expected drop_oldest or thin for raw messages");
    }
    spool.encoder.classes.push_back(
        {table.text("match"), static_cast<int>(spool.shed.policies.size())});
    spool.shed.policies.push_back(read_policy(table.text("policy")));
  }
  return rt::ok();
}

Result<SpoolFrontOptions> read_spool(const rt::Config& config) {
  const ConfigTable& spool = config.section("spool");
  const ConfigTable& batch = config.section("batch");
  SpoolFrontOptions options;
  options.path = spool.text("path") + "/spool.db";
  options.spool_delay = spool.duration("spool_delay");
  options.shed.bytes_max = spool.bytes("bytes_max");
  options.shed.age_max_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<rt::Millis>(spool.duration("age_max")).count());
  options.shed.thin_window = spool.duration("thin_window");
  options.batch.window = batch.duration("window");
  options.batch.readings_max = batch.bytes("bytes_max") / kReadingBytes;
  options.batch.string_bytes_max = batch.bytes("bytes_max");
  options.encoder.zstd_level = static_cast<int>(config.section("codec").integer("zstd_level"));
  if (auto read = read_classes(config, options); !read) return read.error();
  return options;
}

/// Those of the node, and what says that it has a runner.
std::vector<std::string> labels_of(const rt::Config& config) {
  std::vector<std::string> labels = config.section("node").list("labels");
  const bool is_said = std::ranges::find(labels, kRunnerLabel) != labels.end();
  if (config.section("runner").flag("enabled") && !is_said) labels.emplace_back(kRunnerLabel);
  return labels;
}

UplinkOptions read_uplink(const rt::Config& config, const rt::MqttConfig& mqtt) {
  const ConfigTable& node = config.section("node");
  UplinkOptions options;
  options.site = node.text("site");
  options.node = node.text("id");
  options.labels = labels_of(config);
  options.mqtt = mqtt.options;
  options.bytes_per_second = config.section("mqtt").bytes("bytes_per_second");
  options.bytes_per_day = config.section("mqtt").bytes("bytes_per_day");
  options.pin_at_first_sight =
      mqtt.is_loopback || config.section("mqtt").text("pin_at_first_sight") == "always";
  return options;
}

/// What the coordinator would not take in a hello or a state.
rt::Status check_bounds(const rt::Config& config) {
  const ConfigTable& node = config.section("node");
  const bool has_runner = config.section("runner").flag("enabled");
  const std::size_t labels_max = wire::kLabelsMax - (has_runner ? kRunnerLabels : 0);
  if (node.list("labels").size() > labels_max)
    return node.error("labels", fmt::format("expected at most {}", labels_max));
  const auto& sources = config.tables("source");
  if (sources.size() > kSourceTablesMax) {
    return sources[kSourceTablesMax].error(
        "kind", fmt::format("expected at most {} sources", kSourceTablesMax));
  }
  const auto& routes = config.tables("http_route");
  const std::size_t routes_max = kSourceTablesMax - sources.size();
  if (routes.size() > routes_max) {
    return routes[routes_max].error(
        "path", fmt::format("expected at most {} sources and routes", kSourceTablesMax));
  }
  return rt::ok();
}

/// Raw messages of two sources under one name could not be told apart.
rt::Status check_raw_source(const ConfigTable& table, const SourceConfig& source,
                            std::set<std::string>& known) {
  const auto name = raw_source_of(source);
  if (!name || known.insert(*name).second) return rt::ok();
  return table.error("keep_raw",
                     fmt::format("another source that keeps its messages is called {}", *name));
}

Result<std::vector<mapping::HttpRoute>> read_routes(const rt::Config& config,
                                                    const std::string& listen_http) {
  auto routes = mapping::read_http_routes(
      config, {std::begin(wire::kInfluxPaths), std::end(wire::kInfluxPaths)});
  if (!routes) return routes;
  if (!routes->empty() && listen_http.empty()) {
    return config.tables("http_route")
        .front()
        .error("path", "expected an address in listen.http, where routes are served");
  }
  for (mapping::HttpRoute& route : *routes) route.node = config.section("node").text("id");
  return routes;
}

}  // namespace

Result<AgentConfig> read_agent_config(const rt::Config& config) {
  if (auto checked = check_bounds(config); !checked) return checked.error();
  auto mqtt = rt::read_mqtt(config.section("mqtt"));
  if (!mqtt) return mqtt.error();
  auto spool = read_spool(config);
  if (!spool) return spool.error();
  auto http = rt::read_listen_address(config.section("listen"), "http");
  if (!http) return http.error();

  AgentConfig agent;
  agent.spool_directory = config.section("spool").text("path");
  agent.spool = *std::move(spool);
  agent.uplink = read_uplink(config, *mqtt);
  agent.mqtt_password_file = mqtt->password_file;
  agent.listen_socket = config.section("listen").text("socket");
  agent.listen_http = *std::move(http);
  const ConfigTable& bridge = config.section("bridge");
  if (bridge.list("sockets").size() > kBridgesMax)
    return bridge.error("sockets", fmt::format("expected at most {}", kBridgesMax));
  agent.bridge_sockets = bridge.list("sockets");
  const ConfigTable& runner = config.section("runner");
  if (runner.flag("enabled")) agent.runner_socket = runner.text("socket");
  agent.log_level = rt::read_log_level(config.section("log"));
  auto routes = read_routes(config, agent.listen_http);
  if (!routes) return routes.error();
  agent.routes = *std::move(routes);
  std::set<std::string> raw_sources;
  for (const ConfigTable& table : config.tables("source")) {
    auto source = read_source(table, {mqtt->options, mqtt->password_file, agent.spool_directory});
    if (!source) return source.error();
    if (auto checked = check_raw_source(table, *source, raw_sources); !checked)
      return checked.error();
    agent.sources.push_back(*std::move(source));
  }
  return agent;
}

}  // namespace fieldpost::agent
