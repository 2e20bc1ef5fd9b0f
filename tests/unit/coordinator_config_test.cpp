#include <doctest/doctest.h>

#include <string>

#include "coordinator/config.h"

using namespace fieldpost;
using namespace fieldpost::coordinator;

namespace {

rt::Result<CoordinatorConfig> read(const std::string& text) {
  const auto config =
      rt::load_config(coordinator_schema(), {.file_name = "c.toml", .file_text = text});
  if (!config) return config.error();
  return read_coordinator_config(*config);
}

std::string message_of(const std::string& text) {
  const auto config = read(text);
  return config ? "no error" : config.error().message;
}

}  // namespace

TEST_CASE("a coordinator's empty configuration works on one machine") {
  const auto config = read("");
  REQUIRE(config);
  CHECK(config->options.site == "lab");
  CHECK(config->options.mqtt.url == "mqtt://127.0.0.1:1883");
  CHECK(config->listen_http == "127.0.0.1:8080");
  CHECK(config->store_directory == "/var/lib/fieldpost/coordinator");
  CHECK(config->options.credit.pool_bytes == CreditOptions{}.pool_bytes);
  CHECK(config->options.credit.event_pool_bytes == CreditOptions{}.event_pool_bytes);
  CHECK(config->options.credit.node_bytes_max == CreditOptions{}.node_bytes_max);
  CHECK(config->options.compaction.batches_min == CompactionLimits{}.batches_min);
  CHECK(config->options.compaction.age_max_ns == CompactionLimits{}.age_max_ns);
  CHECK(config->options.compaction.readings_max == CompactionLimits{}.readings_max);
  CHECK(config->options.compaction_every == rt::Seconds(5));
  CHECK(config->options.unconfirmed_for == CoordinatorOptions{}.unconfirmed_for);
  CHECK(config->options.http_encoder.zstd_level == 3);
  CHECK(config->store.quarantine.bytes_max == QuarantineOptions{}.bytes_max);
  CHECK(config->store.quarantine.when_full == WhenFull::kDropOldest);
  CHECK(config->log_level == rt::LogLevel::kInfo);
}

TEST_CASE("a coordinator's keys reach what they steer") {
  const auto config = read(R"(
[site]
name = "field-7"
[store]
url = "sqlite://./run/store"
[credit]
pool = "2MiB"
event_pool = "3MiB"
node_max = "512KiB"
[compaction]
batches_min = 2
age_max = "3s"
readings_max = 70000
[quarantine]
bytes_max = "5MiB"
when_full = "stop"
[gaps]
unconfirmed_for = "1d"
[log]
level = "debug"
)");
  REQUIRE(config);
  CHECK(config->options.site == "field-7");
  CHECK(config->store_directory == "./run/store");
  CHECK(config->options.credit.pool_bytes == 2u << 20);
  CHECK(config->options.credit.event_pool_bytes == 3u << 20);
  CHECK(config->options.credit.node_bytes_max == 512u << 10);
  CHECK(config->options.compaction.batches_min == 2);
  CHECK(config->options.compaction.age_max_ns == 3'000'000'000);
  CHECK(config->options.compaction.readings_max == 70'000);
  CHECK(config->store.quarantine.bytes_max == 5u << 20);
  CHECK(config->store.quarantine.when_full == WhenFull::kStop);
  CHECK(config->options.unconfirmed_for == std::chrono::hours(24));
  CHECK(config->log_level == rt::LogLevel::kDebug);
}

TEST_CASE("a wrong coordinator configuration is refused by line and key") {
  CHECK(message_of("[site]\nname = \"a b\"\n") ==
        "c.toml:2: site.name: expected a name of [a-z0-9][a-z0-9_-]{0,62}, got \"a b\"");
  CHECK(message_of("[http]\nlisten = \"\"\n") ==
        "c.toml:2: http.listen: expected an address such as \"127.0.0.1:8080\", got \"\"");
  CHECK(message_of("[http]\nlisten = \"127.0.0.1:99999\"\n") ==
        "c.toml:2: http.listen: expected an address such as \"127.0.0.1:8080\", got "
        "\"127.0.0.1:99999\"");
  CHECK(message_of("[http]\nlisten = \"[::]:8080\"\n") ==
        "c.toml:2: http.listen: expected a loopback address, or allow_insecure = true beside it: "
        "without TLS and users, [::]:8080 is open to whoever reaches it");
  CHECK(message_of("[store]\nurl = \"postgres://x\"\n") ==
        "c.toml:2: store.url: expected sqlite:// and a directory, got \"postgres://x\"");
  CHECK(message_of("[credit]\nnode_max = \"8MiB\"\n") ==
        "c.toml:2: credit.node_max: expected a size such as \"64KiB\" from 256KiB to 2MiB, got "
        "\"8MiB\"");
}

TEST_CASE("retention rules come in the file's order and are refused by line") {
  const auto config = read(R"([[retention]]
measurement = "camera_*"
node = "greenhouse-?"
keep = "30d"
[[retention]]
keep = "0s"
)");
  REQUIRE(config);
  const RetentionRules& rules = config->options.retention;
  REQUIRE(rules.size() == 2);
  CHECK(rules[0].keep_ns == 30 * 86'400'000'000'000);
  CHECK(rule_for(rules, "greenhouse-1", "camera_2") == &rules[0]);
  CHECK(rule_for(rules, "greenhouse-12", "camera_2") == nullptr);
  CHECK(read("")->options.retention.empty());
  CHECK(message_of("[[retention]]\nkeep = \"59m\"\n") ==
        "c.toml:2: retention.keep: expected 0s (for ever), or at least 1h");
  CHECK(message_of("[[retention]]\nnode = \"\"\nkeep = \"1d\"\n") ==
        "c.toml:2: retention.node: expected a pattern such as \"greenhouse-*\", got \"\"");
  CHECK(message_of("[[retention]]\nmeasurement = \"a\"\n") ==
        "c.toml:1: retention.keep: missing; it has no default");
  std::string many;
  for (std::size_t i = 0; i <= kRetentionRulesMax; ++i) many += "[[retention]]\nkeep = \"1d\"\n";
  CHECK(message_of(many) == "c.toml:130: retention.keep: expected at most 64 rules");
}
