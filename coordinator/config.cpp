#include "coordinator/config.h"

#include <fmt/format.h>

#include <chrono>

#include "coordinator/http/own_paths.h"
#include "proto/mapping/http_route_config.h"
#include "proto/wire/limits.h"
#include "proto/wire/topics.h"

namespace fieldpost::coordinator {
namespace {

using rt::ConfigSection;
using rt::ConfigTable;
using rt::ConfigType;

constexpr rt::Nanos kKeepLeast = std::chrono::hours(1);
constexpr std::string_view kStoreScheme = "sqlite://";

bool is_store_url(std::string_view url) {
  return url.starts_with(kStoreScheme) && url.size() > kStoreScheme.size();
}

ConfigSection site_section() {
  return {.name = "site",
          .keys = {{.name = "name",
                    .preset = "lab",
                    .meaning = "in every topic; the nodes name it too",
                    .is_valid = wire::is_valid_id,
                    .expectation = "a name of [a-z0-9][a-z0-9_-]{0,62}"}}};
}

ConfigSection http_section() {
  auto listen = rt::listen_key("listen", "127.0.0.1:8080", "the web page and the API");
  listen.is_valid = [](std::string_view text) { return rt::parse_address(text).has_value(); };
  listen.expectation = "an address such as \"127.0.0.1:8080\"";
  return {.name = "http", .keys = {std::move(listen), rt::allow_insecure_key()}};
}

ConfigSection store_section() {
  return {.name = "store",
          .keys = {{.name = "url",
                    .preset = "sqlite:///var/lib/fieldpost/coordinator",
                    .meaning = "a directory, made if it is not there",
                    .is_valid = is_store_url,
                    .expectation = "sqlite:// and a directory"}}};
}

std::string as_mib(std::uint64_t bytes) {
  return std::to_string(bytes >> 20) + "MiB";
}

ConfigSection credit_section() {
  const CreditOptions preset;
  return {
      .name = "credit",
      .keys = {{.name = "pool",
                .type = ConfigType::kBytes,
                .preset = as_mib(preset.pool_bytes),
                .least = "1MiB",
                .most = "16GiB",
                .meaning = "bytes on the way from all nodes; the broker's max_queued_bytes is "
                           "above both pools"},
               {.name = "event_pool",
                .type = ConfigType::kBytes,
                .preset = as_mib(preset.event_pool_bytes),
                .least = "1MiB",
                .most = "16GiB",
                .meaning = "the same for builds, states, gaps and alarms"},
               {.name = "node_max",
                .type = ConfigType::kBytes,
                .preset = as_mib(preset.node_bytes_max),
                .least = "256KiB",
                .most = "2MiB",
                .meaning = "of one node, fewer when there are many; more overfills its socket"}}};
}

ConfigSection compaction_section() {
  return {.name = "compaction",
          .keys = {{.name = "every",
                    .type = ConfigType::kDuration,
                    .preset = "5s",
                    .least = "100ms",
                    .most = "1h",
                    .meaning = "between looks for work"},
                   {.name = "batches_min",
                    .type = ConfigType::kInteger,
                    .preset = "64",
                    .least = "1",
                    .most = "100000",
                    .meaning = "of one node, before it is worth it"},
                   {.name = "age_max",
                    .type = ConfigType::kDuration,
                    .preset = "1m",
                    .least = "1s",
                    .most = "1d",
                    .meaning = "or when its oldest batch is this old"},
                   {.name = "readings_max",
                    .type = ConfigType::kInteger,
                    .preset = "500000",
                    .least = "65536",
                    .most = "100000000",
                    .meaning = "in memory in one step"}}};
}

bool is_pattern(std::string_view text) {
  return !text.empty();
}

ConfigSection retention_section() {
  return {.name = "retention",
          .repeated = true,
          .keys = {{.name = "measurement",
                    .preset = "*",
                    .meaning = "with * and ?; the first rule that matches counts",
                    .is_valid = is_pattern,
                    .expectation = "a pattern such as \"camera_*\""},
                   {.name = "node",
                    .preset = "*",
                    .meaning = "with * and ?",
                    .is_valid = is_pattern,
                    .expectation = "a pattern such as \"greenhouse-*\""},
                   {.name = "keep",
                    .type = ConfigType::kDuration,
                    .least = "0s",
                    .most = "36500d",
                    .meaning = "older readings are deleted, for good; 0s: for ever",
                    .required = true}}};
}

bool is_when_full(std::string_view text) {
  return text == "drop_oldest" || text == "stop";
}

ConfigSection experiments_section() {
  return {.name = "experiments",
          .keys = {{.name = "sensor_defaults",
                    .meaning = "file of the sensors that new configs begin with; empty: none"}}};
}

ConfigSection quarantine_section() {
  return {.name = "quarantine",
          .keys = {{.name = "bytes_max",
                    .type = ConfigType::kBytes,
                    .preset = "256MiB",
                    .least = "1MiB",
                    .meaning = "of records that are not understood"},
                   {.name = "when_full",
                    .preset = "drop_oldest",
                    .meaning = "the oldest become gaps; stop: nodes keep what comes",
                    .is_valid = is_when_full,
                    .expectation = "drop_oldest or stop"}}};
}

ConfigSection gaps_section() {
  return {.name = "gaps",
          .keys = {{.name = "unconfirmed_for",
                    .type = ConfigType::kDuration,
                    .preset = "7d",
                    .least = "1m",
                    .most = "365d",
                    .meaning = "then an unconfirmed gap is declared"}}};
}

CreditOptions read_credit(const ConfigTable& table) {
  CreditOptions credit;
  credit.pool_bytes = table.bytes("pool");
  credit.event_pool_bytes = table.bytes("event_pool");
  credit.node_bytes_max = table.bytes("node_max");
  return credit;
}

CompactionLimits read_compaction(const ConfigTable& table) {
  CompactionLimits limits;
  limits.batches_min = table.bytes("batches_min");
  limits.age_max_ns = table.duration("age_max").count();
  limits.readings_max = table.bytes("readings_max");
  return limits;
}

QuarantineOptions read_quarantine(const ConfigTable& table) {
  QuarantineOptions quarantine;
  quarantine.bytes_max = table.bytes("bytes_max");
  if (table.text("when_full") == "stop") quarantine.when_full = WhenFull::kStop;
  return quarantine;
}

rt::Result<RetentionRules> read_retention(const rt::Config& config) {
  RetentionRules rules;
  for (const ConfigTable& table : config.tables("retention")) {
    const rt::Nanos keep = table.duration("keep");
    if (rules.size() == kRetentionRulesMax) {
      return table.error("keep", fmt::format("expected at most {} rules", kRetentionRulesMax));
    }
    if (keep.count() != 0 && keep < kKeepLeast) {
      return table.error("keep", "expected 0s (for ever), or at least 1h");
    }
    const std::string& measurement = table.text("measurement");
    const std::string& node = table.text("node");
    rules.push_back({measurement, node, keep.count(),
                     fmt::format("retention of measurement {}, node {}: {} h", measurement, node,
                                 std::chrono::duration_cast<std::chrono::hours>(keep).count())});
  }
  return rules;
}

CoordinatorOptions read_options(const rt::Config& config, const rt::MqttConfig& mqtt) {
  CoordinatorOptions options;
  options.site = config.section("site").text("name");
  options.mqtt = mqtt.options;
  options.credit = read_credit(config.section("credit"));
  options.compaction = read_compaction(config.section("compaction"));
  options.compaction_every = config.section("compaction").duration("every");
  options.unconfirmed_for = config.section("gaps").duration("unconfirmed_for");
  options.http_encoder.zstd_level = static_cast<int>(config.section("codec").integer("zstd_level"));
  return options;
}

}  // namespace

const rt::ConfigSchema& coordinator_schema() {
  static const rt::ConfigSchema schema = {
      site_section(),
      {.name = "mqtt", .keys = rt::mqtt_keys("mqtt://127.0.0.1:1883")},
      http_section(),
      store_section(),
      credit_section(),
      compaction_section(),
      retention_section(),
      experiments_section(),
      quarantine_section(),
      gaps_section(),
      rt::codec_section("readings that come over HTTP"),
      rt::log_section(),
      mapping::http_route_section(mapping::RouteNode::kChosen)};
  return schema;
}

rt::Result<CoordinatorConfig> read_coordinator_config(const rt::Config& config) {
  const auto mqtt = rt::read_mqtt(config.section("mqtt"));
  if (!mqtt) return mqtt.error();
  auto http = rt::read_listen_address(config.section("http"), "listen");
  if (!http) return http.error();

  CoordinatorConfig coordinator;
  coordinator.options = read_options(config, *mqtt);
  auto retention = read_retention(config);
  if (!retention) return retention.error();
  coordinator.options.retention = *std::move(retention);
  coordinator.store.quarantine = read_quarantine(config.section("quarantine"));
  coordinator.store_directory = config.section("store").text("url").substr(kStoreScheme.size());
  coordinator.mqtt_password_file = mqtt->password_file;
  coordinator.listen_http = *std::move(http);
  coordinator.sensor_defaults = config.section("experiments").text("sensor_defaults");
  auto routes = mapping::read_http_routes(config, own_paths());
  if (!routes) return routes.error();
  coordinator.routes = *std::move(routes);
  coordinator.log_level = rt::read_log_level(config.section("log"));
  return coordinator;
}

}  // namespace fieldpost::coordinator
