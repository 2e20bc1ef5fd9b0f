#include "agent/config.h"
#include "proto/mapping/http_route_config.h"
#include "proto/wire/topics.h"

namespace fieldpost::agent {
namespace {

using rt::ConfigKey;
using rt::ConfigSection;
using rt::ConfigType;

constexpr std::string_view kIdExpectation = "a name of [a-z0-9][a-z0-9_-]{0,62}";
const std::vector<std::string> kPolicies = {"drop_oldest", "drop_newest", "thin"};

bool is_not_empty(std::string_view text) {
  return !text.empty();
}

ConfigSection node_section() {
  return {.name = "node",
          .keys = {{.name = "id",
                    .meaning = "of this machine, unique in its site",
                    .required = true,
                    .is_valid = wire::is_valid_id,
                    .expectation = std::string(kIdExpectation)},
                   {.name = "site",
                    .preset = "lab",
                    .meaning = "the coordinator's",
                    .is_valid = wire::is_valid_id,
                    .expectation = std::string(kIdExpectation)},
                   {.name = "labels",
                    .type = ConfigType::kList,
                    .meaning = "what pipelines and people look for",
                    .is_valid = is_not_empty,
                    .expectation = "not empty"}}};
}

ConfigSection mqtt_section() {
  ConfigSection section{.name = "mqtt", .keys = rt::mqtt_keys("mqtt://127.0.0.1:1883")};
  section.keys.push_back({.name = "bytes_per_second",
                          .type = ConfigType::kBytes,
                          .preset = "0B",
                          .meaning = "sent at most; 0B: as fast as the link"});
  section.keys.push_back({.name = "bytes_per_day",
                          .type = ConfigType::kBytes,
                          .preset = "0B",
                          .meaning = "sent at most; 0B: no budget"});
  section.keys.push_back({.name = "pin_at_first_sight",
                          .preset = "loopback",
                          .meaning = "where the first coordinator seen is believed, once",
                          .choices = {"loopback", "always"}});
  return section;
}

ConfigSection spool_section() {
  return {.name = "spool",
          .keys = {{.name = "path",
                    .preset = "/var/lib/fieldpost/agent",
                    .meaning = "a directory, made if it is not there",
                    .is_valid = is_not_empty,
                    .expectation = "a directory"},
                   {.name = "bytes_max",
                    .type = ConfigType::kBytes,
                    .preset = "1GiB",
                    .least = "4MiB",
                    .meaning = "of records on disk; then when_full decides"},
                   {.name = "age_max",
                    .type = ConfigType::kDuration,
                    .preset = "90d",
                    .least = "1m",
                    .meaning = "older records become a gap"},
                   {.name = "when_full",
                    .preset = "drop_oldest",
                    .meaning = "for readings of no [[class]]",
                    .choices = kPolicies},
                   {.name = "thin_window",
                    .type = ConfigType::kDuration,
                    .preset = "1m",
                    .least = "1s",
                    .most = "1d",
                    .meaning = "thin keeps first, last, least and most of each"},
                   {.name = "spool_delay",
                    .type = ConfigType::kDuration,
                    .preset = "2s",
                    .least = "0s",
                    .most = "1m",
                    .meaning = "sampled readings without receipt go to disk after it"}}};
}

ConfigSection batch_section() {
  return {.name = "batch",
          .keys = {{.name = "window",
                    .type = ConfigType::kDuration,
                    .preset = "100ms",
                    .least = "1ms",
                    .most = "1m",
                    .meaning = "a batch closes at this age"},
                   {.name = "bytes_max",
                    .type = ConfigType::kBytes,
                    .preset = "64KiB",
                    .least = "1KiB",
                    .most = "128KiB",
                    .meaning = "or at about this size"}}};
}

ConfigSection listen_section() {
  return {.name = "listen",
          .keys = {{.name = "socket",
                    .preset = "/run/fieldpost/agent.sock",
                    .meaning = "unix socket for line protocol; empty: none"},
                   rt::listen_key("http", "127.0.0.1:8086", "InfluxDB writes; empty: none"),
                   rt::allow_insecure_key()}};
}

ConfigSection bridge_section() {
  return {.name = "bridge",
          .keys = {{.name = "sockets",
                    .type = ConfigType::kList,
                    .preset = "/run/fieldpost/bridge.sock",
                    .meaning = "of fieldpost-bridge here, for flashing boards",
                    .is_valid = is_not_empty,
                    .expectation = "the path of a socket"}}};
}

ConfigSection runner_section() {
  return {.name = "runner",
          .keys = {{.name = "enabled",
                    .type = ConfigType::kFlag,
                    .preset = "false",
                    .meaning = "this node runs jobs of builds: it has the label runner"},
                   {.name = "socket",
                    .preset = "/run/fieldpost-runner/runner.sock",
                    .meaning = "of fieldpost-runner here",
                    .is_valid = is_not_empty,
                    .expectation = "the path of a socket"}}};
}

ConfigSection class_section() {
  return {.name = "class",
          .repeated = true,
          .keys = {{.name = "match",
                    .meaning = "measurements, with * and ?; the first class that matches counts",
                    .required = true,
                    .is_valid = is_not_empty,
                    .expectation = "a pattern such as \"camera_*\""},
                   {.name = "policy",
                    .meaning = "when the spool is full",
                    .required = true,
                    .choices = kPolicies}}};
}

}  // namespace

const rt::ConfigSchema& agent_schema() {
  static const rt::ConfigSchema schema = [] {
    rt::ConfigSchema sections = {node_section(),
                                 mqtt_section(),
                                 spool_section(),
                                 batch_section(),
                                 rt::codec_section("records"),
                                 listen_section(),
                                 bridge_section(),
                                 runner_section(),
                                 rt::log_section(),
                                 class_section()};
    for (auto& section : source_sections()) sections.push_back(std::move(section));
    sections.push_back(mapping::http_route_section(mapping::RouteNode::kOwn));
    return sections;
  }();
  return schema;
}

}  // namespace fieldpost::agent
