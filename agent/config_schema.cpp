#include "agent/config.h"
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

ConfigSection codec_section() {
  return {.name = "codec",
          .keys = {{.name = "zstd_level",
                    .type = ConfigType::kInteger,
                    .preset = "3",
                    .least = "1",
                    .most = "19",
                    .meaning = "higher: smaller and slower"}}};
}

ConfigSection listen_section() {
  return {.name = "listen",
          .keys = {{.name = "socket",
                    .preset = "/run/fieldpost/agent.sock",
                    .meaning = "unix socket for line protocol; empty: none"},
                   rt::listen_key("http", "127.0.0.1:8086", "InfluxDB writes; empty: none"),
                   rt::allow_insecure_key()}};
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

ConfigSection host_metrics_section() {
  return {.name = "source",
          .repeated = true,
          .kind = "host_metrics",
          .keys = {{.name = "every",
                    .type = ConfigType::kDuration,
                    .preset = "1s",
                    .least = "100ms",
                    .most = "1d",
                    .meaning = "between looks"},
                   {.name = "per_core",
                    .type = ConfigType::kFlag,
                    .preset = "false",
                    .meaning = "cpu of each core as well"}}};
}

ConfigSection line_socket_section() {
  return {.name = "source",
          .repeated = true,
          .kind = "line_socket",
          .keys = {{.name = "path",
                    .meaning = "unix socket, beside the one in [listen]",
                    .required = true,
                    .is_valid = is_not_empty,
                    .expectation = "the path of a unix socket"}}};
}

ConfigSection exec_section() {
  return {
      .name = "source",
      .repeated = true,
      .kind = "exec",
      .keys = {{.name = "command",
                .type = ConfigType::kList,
                .meaning = "program and arguments; prints line protocol",
                .required = true},
               {.name = "environment", .type = ConfigType::kMap, .meaning = "added to the agent's"},
               {.name = "directory", .meaning = "to run in; empty: the agent's"},
               {.name = "stream",
                .type = ConfigType::kFlag,
                .preset = "false",
                .meaning = "runs all the time, not once every `every`"},
               {.name = "every",
                .type = ConfigType::kDuration,
                .preset = "10s",
                .least = "100ms",
                .most = "1d",
                .meaning = "between starts"},
               {.name = "timeout",
                .type = ConfigType::kDuration,
                .preset = "5s",
                .least = "100ms",
                .most = "1d",
                .meaning = "of one run; then it is ended"},
               {.name = "durable",
                .type = ConfigType::kFlag,
                .preset = "false",
                .meaning = "every reading to disk first"},
               {.name = "restart_first",
                .type = ConfigType::kDuration,
                .preset = "1s",
                .least = "10ms",
                .most = "1h",
                .meaning = "stream: pause after it ended, doubled each time"},
               {.name = "restart_most",
                .type = ConfigType::kDuration,
                .preset = "1m",
                .least = "10ms",
                .most = "1d",
                .meaning = "up to this"}}};
}

}  // namespace

const rt::ConfigSchema& agent_schema() {
  static const rt::ConfigSchema schema = {
      node_section(),         mqtt_section(),        spool_section(),   batch_section(),
      codec_section(),        listen_section(),      rt::log_section(), class_section(),
      host_metrics_section(), line_socket_section(), exec_section()};
  return schema;
}

}  // namespace fieldpost::agent
