#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "agent/config.h"

using namespace fieldpost;
using namespace fieldpost::agent;

namespace {

const std::string kNode = "[node]\nid = \"greenhouse-3\"\n";

rt::Result<AgentConfig> read(const std::string& text) {
  const auto config =
      rt::load_config(agent_schema(), {.file_name = "agent.toml", .file_text = text});
  if (!config) return config.error();
  return read_agent_config(*config);
}

std::string message_of(const std::string& text) {
  const auto config = read(text);
  return config ? "no error" : config.error().message;
}

}  // namespace

TEST_CASE("an agent needs no more than its name") {
  const auto config = read(kNode);
  REQUIRE(config);
  CHECK(config->uplink.node == "greenhouse-3");
  CHECK(config->uplink.site == "lab");
  CHECK(config->uplink.mqtt.url == "mqtt://127.0.0.1:1883");
  CHECK(config->uplink.pin_at_first_sight);
  CHECK(config->spool_directory == "/var/lib/fieldpost/agent");
  CHECK(config->spool.path == "/var/lib/fieldpost/agent/spool.db");
  CHECK(config->spool.shed.bytes_max == 1ull << 30);
  CHECK(config->spool.shed.age_max_ms == 90ull * 86'400'000);
  CHECK(config->spool.shed.policies == std::vector{ShedPolicy::kDropOldest});
  CHECK(config->spool.spool_delay == rt::Seconds(2));
  CHECK(config->spool.batch.window == rt::Millis(100));
  CHECK(config->spool.batch.readings_max == BatcherOptions{}.readings_max);
  CHECK(config->spool.batch.string_bytes_max == BatcherOptions{}.string_bytes_max);
  CHECK(config->listen_socket == "/run/fieldpost/agent.sock");
  CHECK(config->listen_http == "127.0.0.1:8086");
  CHECK(config->sources.empty());
}

TEST_CASE("classes get policies of their own, in the file's order") {
  const auto config = read(kNode + R"(
[spool]
when_full = "drop_newest"
thin_window = "10s"
[[class]]
match = "camera_*"
policy = "thin"
[[class]]
match = "alarm"
policy = "drop_oldest"
)");
  REQUIRE(config);
  CHECK(config->spool.shed.policies ==
        std::vector{ShedPolicy::kDropNewest, ShedPolicy::kThin, ShedPolicy::kDropOldest});
  REQUIRE(config->spool.encoder.classes.size() == 2);
  CHECK(config->spool.encoder.classes[0].measurement == "camera_*");
  CHECK(config->spool.encoder.classes[0].index == 1);
  CHECK(config->spool.encoder.classes[1].index == 2);
  CHECK(config->spool.shed.thin_window == rt::Seconds(10));
}

TEST_CASE("sources that keep their messages raw have different names, and nobody refuses them") {
  const std::string exec = R"([[source]]
kind = "exec"
command = ["/bin/sh", "-c", "one"]
keep_raw = true
)";
  const auto one = read(kNode + exec);
  REQUIRE(one);
  CHECK(std::get<ExecConfig>(one->sources[0]).keep_raw);
  std::string two = exec;
  two.replace(two.find("one"), 3, "two");
  CHECK(read(kNode + exec + two));
  CHECK_FALSE(read(kNode + exec + exec));
  const std::string raw_class = "[[class]]\nmatch = \"fieldpost_raw\"\npolicy = ";
  CHECK(read(kNode + raw_class + "\"drop_oldest\"\n"));
  CHECK_FALSE(read(kNode + raw_class + "\"drop_newest\"\n"));
}

TEST_CASE("each kind of source has keys of its own") {
  const auto config = read(kNode + R"(
[[source]]
kind = "exec"
command = ["/usr/bin/sensors", "--line"]
environment = { LANG = "C" }
stream = true
[[source]]
kind = "host_metrics"
every = "5s"
[[source]]
kind = "line_socket"
path = "/run/fieldpost/second.sock"
)");
  REQUIRE(config);
  REQUIRE(config->sources.size() == 3);
  const auto& exec = std::get<ExecConfig>(config->sources[0]);
  CHECK(exec.argv == std::vector<std::string>{"/usr/bin/sensors", "--line"});
  CHECK(exec.environment == std::vector<std::string>{"LANG=C"});
  CHECK(exec.stream);
  CHECK(exec.timeout == rt::Seconds(5));
  CHECK(std::get<HostMetricsConfig>(config->sources[1]).every == rt::Seconds(5));
  CHECK(std::get<LineSocketConfig>(config->sources[2]).path == "/run/fieldpost/second.sock");
}

TEST_CASE("a program names the measurements of which hints may say how often it runs") {
  const std::string exec = R"([[source]]
kind = "exec"
command = ["soil"]
)";
  const auto config = read(kNode + exec + "sampling = [\"soil\", \"air\"]\n");
  REQUIRE(config);
  CHECK(std::get<ExecConfig>(config->sources[0]).sampling ==
        std::vector<std::string>{"soil", "air"});
  CHECK(std::get<ExecConfig>(read(kNode + exec)->sources[0]).sampling.empty());
  CHECK(message_of(kNode + exec + "stream = true\nsampling = [\"soil\"]\n") ==
        "agent.toml:7: source.sampling: expected it without stream: that has no interval");
}

TEST_CASE("a file is followed as lines or as JSON") {
  const auto config = read(kNode + R"(
[[source]]
kind = "file_tail"
path = "/var/log/weather/now.log"
precision = "ms"
[[source]]
kind = "file_tail"
path = "/var/log/a.json"
format = "json"
measurement = "weather"
tags = { room = "roof" }
fields = { temperature = "/t", hits = "/n" }
types = { hits = "u64" }
units = { temperature = "Cel" }
time_pointer = "/at"
time_precision = "ms"
from_beginning = true
)");
  REQUIRE(config);
  REQUIRE(config->sources.size() == 2);
  const auto& lines = std::get<FileTailConfig>(config->sources[0]);
  CHECK(lines.reader.position_path == "/var/lib/fieldpost/agent/tail%var%log%weather%now.log");
  CHECK(lines.reader.rules.precision == wire::Precision::kMs);
  CHECK_FALSE(lines.reader.from_beginning);
  CHECK(lines.every == rt::Millis(250));
  const auto& json = std::get<FileTailConfig>(config->sources[1]);
  CHECK(json.reader.rules.format == mapping::RuleFormat::kJson);
  CHECK(json.reader.from_beginning);
  CHECK(json.reader.rules.json.measurement == "weather");
  CHECK(json.reader.rules.json.time_pointer == "/at");
  CHECK(json.reader.rules.json.time_precision == wire::Precision::kMs);
  REQUIRE(json.reader.rules.json.fields.size() == 2);
  for (const mapping::JsonField& field : json.reader.rules.json.fields) {
    if (field.name == "hits")
      CHECK(field.type == wire::ValueType::kU64);
    else
      CHECK(field.unit == "Cel");
  }
}

TEST_CASE("devices speak on the agent's broker unless they have their own") {
  const auto config = read(kNode + R"(
[mqtt]
url = "mqtt://127.0.0.1:1999"
[[source]]
kind = "mqtt_topics"
topic = "plant/{room}/{field}"
unit = "Cel"
[[source]]
kind = "mqtt_topics"
topic = "spBv1.0/hall/#"
format = "sparkplug"
request_rebirth = true
url = "mqtts://devices.example"
username = "reader"
password_file = "/etc/fieldpost/devices"
)");
  REQUIRE(config);
  REQUIRE(config->sources.size() == 2);
  const auto& number = std::get<MqttSourceConfig>(config->sources[0]);
  CHECK(number.topics.broker.url == "mqtt://127.0.0.1:1999");
  CHECK(number.topics.rules.format == mapping::RuleFormat::kNumber);
  CHECK(number.topics.rules.unit == "Cel");
  CHECK(number.topics.rules.measurement == "mqtt");
  const auto& sparkplug = std::get<MqttSourceConfig>(config->sources[1]);
  CHECK(sparkplug.topics.broker.url == "mqtts://devices.example");
  CHECK(sparkplug.topics.rules.format == mapping::RuleFormat::kSparkplug);
  CHECK(sparkplug.topics.request_rebirth);
  CHECK(sparkplug.password_file == "/etc/fieldpost/devices");
}

TEST_CASE("a source that could give nothing is refused") {
  const std::string tail = kNode + "[[source]]\nkind = \"file_tail\"\n";
  CHECK(message_of(tail + "path = \"now.log\"\n") ==
        "agent.toml:5: source.path: expected an absolute path of at most 200 bytes, got "
        "\"now.log\"");
  CHECK(message_of(tail + "path = \"/a\"\nformat = \"json\"\n") ==
        "agent.toml:3: source.fields: the measurement is missing");
  CHECK(message_of(tail + "path = \"/a\"\nformat = \"json\"\nmeasurement = \"m\"\n"
                          "fields = { t = \"t\" }\n") ==
        "agent.toml:8: source.fields: \"t\" is no JSON pointer: it has to begin with a slash");
  CHECK(message_of(tail + "path = \"/a\"\nformat = \"json\"\nmeasurement = \"m\"\n"
                          "fields = { t = \"/t\" }\ntypes = { u = \"f64\" }\n") ==
        "agent.toml:9: source.types: no field u");
  CHECK(message_of(tail + "path = \"/a\"\nformat = \"json\"\nmeasurement = \"m\"\n"
                          "fields = { t = \"/t\" }\ntypes = { t = \"int\" }\n") ==
        "agent.toml:9: source.types: expected f64, i64, u64, bool or string, got int");
  const std::string topics = kNode + "[[source]]\nkind = \"mqtt_topics\"\n";
  CHECK(
      message_of(topics + "topic = \"a/{\"\n") ==
      "agent.toml:5: source.topic: \"a/{\" is no topic pattern: a level is text, +, {name}, or at "
      "the end #");
  CHECK(message_of(topics + "topic = \"a/b\"\nurl = \"mqtt://192.0.2.7\"\n") ==
        "agent.toml:6: source.url: expected mqtts://, a loopback address, or allow_insecure = "
        "true beside it, got \"mqtt://192.0.2.7\"");
  CHECK(message_of(kNode + "[mqtt]\nurl = \"\"\n") ==
        "agent.toml:4: mqtt.url: expected a url such as \"mqtt://127.0.0.1:1883\" or "
        "\"mqtts://broker:8883\", without user and path, got \"\"");
}

TEST_CASE("a key that would do nothing without another one is refused") {
  const std::string topics = kNode + "[[source]]\nkind = \"mqtt_topics\"\ntopic = \"a/b\"\n";
  CHECK(message_of(topics + "ca_file = \"/ca\"\n") ==
        "agent.toml:6: source.ca_file: expected the url of a broker beside it");
  CHECK(message_of(topics + "username = \"me\"\n") ==
        "agent.toml:6: source.username: expected the url of a broker beside it");
  CHECK(message_of(topics + "fields = { t = \"/t\" }\n") ==
        "agent.toml:6: source.fields: expected format = \"json\" beside it");
  CHECK(message_of(topics + "time_precision = \"ms\"\n") ==
        "agent.toml:6: source.time_precision: expected format = \"json\" beside it");
  CHECK(message_of(kNode + "[[source]]\nkind = \"file_tail\"\npath = \"/a\"\n"
                           "tags = { room = \"1\" }\n") ==
        "agent.toml:6: source.tags: expected format = \"json\" beside it");
}

TEST_CASE("a node asks the bridges that it is told of, and so many at most") {
  CHECK(read(kNode)->bridge_sockets == std::vector<std::string>{"/run/fieldpost/bridge.sock"});
  const auto sockets = [](int count) {
    std::string text = kNode + "[bridge]\nsockets = [";
    for (int i = 0; i < count; ++i) text += "\"/run/" + std::to_string(i) + "\",";
    return text + "]\n";
  };
  CHECK(read(sockets(2))->bridge_sockets == std::vector<std::string>{"/run/0", "/run/1"});
  CHECK(read(sockets(0))->bridge_sockets.empty());
  CHECK(message_of(sockets(16)) == "no error");
  CHECK(message_of(sockets(17)) == "agent.toml:4: bridge.sockets: expected at most 16");
}

TEST_CASE("a node that runs jobs says so among its labels, and where its runner is") {
  CHECK(read(kNode)->runner_socket.empty());
  CHECK(read(kNode + "[runner]\nsocket = \"/run/r.sock\"\n")->runner_socket.empty());
  CHECK(read(kNode)->uplink.labels.empty());
  const std::string labelled = kNode + "labels = [\"arm64\"]\n[runner]\nenabled = true\n";
  const auto runs = read(labelled);
  REQUIRE(runs);
  CHECK(runs->runner_socket == "/run/fieldpost-runner/runner.sock");
  CHECK(runs->uplink.labels == std::vector<std::string>{"arm64", "runner"});
  CHECK(read(labelled + "socket = \"/run/r.sock\"\n")->runner_socket == "/run/r.sock");
  CHECK(read(kNode + "labels = [\"runner\"]\n[runner]\nenabled = true\n")->uplink.labels ==
        std::vector<std::string>{"runner"});
  CHECK(message_of(labelled + "socket = \"\"\n") ==
        "agent.toml:6: runner.socket: expected the path of a socket, got \"\"");
}

TEST_CASE("more labels or sources than the coordinator takes are refused") {
  const auto labels = [](int count) {
    std::string text = kNode + "labels = [";
    for (int i = 0; i < count; ++i) text += "\"l\",";
    return text + "]\n";
  };
  CHECK(message_of(labels(64)) == "no error");
  CHECK(message_of(labels(65)) == "agent.toml:3: node.labels: expected at most 64");
  const std::string runner = "[runner]\nenabled = true\n";
  CHECK(message_of(labels(62) + runner) == "no error");
  CHECK(message_of(labels(63) + runner) == "agent.toml:3: node.labels: expected at most 62");
  std::string sources = kNode;
  for (int i = 0; i < 253; ++i) sources += "[[source]]\nkind = \"host_metrics\"\n";
  CHECK(message_of(sources) == "no error");
  CHECK(message_of(sources + "[[source]]\nkind = \"host_metrics\"\n")
            .ends_with("source.kind: expected at most 253 sources"));
}

TEST_CASE("a node may be polite on its link") {
  const auto config =
      read(kNode + "[mqtt]\nbytes_per_second = \"16KiB\"\nbytes_per_day = \"20MiB\"\n");
  REQUIRE(config);
  CHECK(config->uplink.bytes_per_second == 16'384);
  CHECK(config->uplink.bytes_per_day == 20u << 20);
}

TEST_CASE("beyond loopback a coordinator is believed at first sight only when told") {
  const std::string elsewhere = kNode + "[mqtt]\nurl = \"mqtts://broker.example\"\n";
  const auto wary = read(elsewhere);
  REQUIRE(wary);
  CHECK_FALSE(wary->uplink.pin_at_first_sight);
  const auto trusting = read(elsewhere + "pin_at_first_sight = \"always\"\n");
  REQUIRE(trusting);
  CHECK(trusting->uplink.pin_at_first_sight);
}

TEST_CASE("TLS files belong to a TLS url") {
  const auto config = read(kNode +
                           "[mqtt]\nurl = \"mqtts://broker.example:8883\"\nca_file = \"/ca\"\n"
                           "cert_file = \"/cert\"\nkey_file = \"/key\"\n");
  REQUIRE(config);
  CHECK(config->uplink.mqtt.key_file == "/key");
  CHECK_FALSE(config->uplink.pin_at_first_sight);
  CHECK(message_of(kNode + "[mqtt]\nca_file = \"/ca\"\n") ==
        "agent.toml:4: mqtt.ca_file: expected a url that starts with mqtts:// beside it");
  CHECK(message_of(kNode + "[mqtt]\nurl = \"mqtts://b\"\ncert_file = \"/c\"\n") ==
        "agent.toml:5: mqtt.cert_file: expected cert_file and key_file together");
  CHECK(message_of(kNode + "[mqtt]\npassword_file = \"/p\"\n") ==
        "agent.toml:4: mqtt.password_file: expected a username beside it");
}

TEST_CASE("a wrong agent configuration is refused by line and key") {
  CHECK(message_of("") == "agent.toml: node.id: missing; it has no default");
  CHECK(message_of("[node]\nid = \"Greenhouse\"\n") ==
        "agent.toml:2: node.id: expected a name of [a-z0-9][a-z0-9_-]{0,62}, got \"Greenhouse\"");
  CHECK(message_of(kNode + "site = \"\"\n") ==
        "agent.toml:3: node.site: expected a name of [a-z0-9][a-z0-9_-]{0,62}, got \"\"");
  CHECK(message_of(kNode + "[mqtt]\nurl = \"tcp://x\"\n") ==
        "agent.toml:4: mqtt.url: expected a url such as \"mqtt://127.0.0.1:1883\" or "
        "\"mqtts://broker:8883\", without user and path, got \"tcp://x\"");
  CHECK(message_of(kNode + "[mqtt]\nurl = \"mqtt://me:secret@127.0.0.1\"\n") ==
        "agent.toml:4: mqtt.url: expected a url such as \"mqtt://127.0.0.1:1883\" or "
        "\"mqtts://broker:8883\", without user and path, got \"mqtt://me:secret@127.0.0.1\"");
  CHECK(message_of(kNode + "[mqtt]\nurl = \"mqtt://192.0.2.1\"\n") ==
        "agent.toml:4: mqtt.url: expected mqtts://, a loopback address, or allow_insecure = true "
        "beside it, got \"mqtt://192.0.2.1\"");
  CHECK(message_of(kNode + "[listen]\nhttp = \"8086\"\n") ==
        "agent.toml:4: listen.http: expected an address such as \"127.0.0.1:8080\", or \"\" for "
        "none, got \"8086\"");
  CHECK(message_of(kNode + "[listen]\nhttp = \"0.0.0.0:8086\"\n") ==
        "agent.toml:4: listen.http: expected a loopback address, or allow_insecure = true beside "
        "it: without TLS and users, 0.0.0.0:8086 is open to whoever reaches it");
  CHECK(message_of(kNode + "[[source]]\nkind = \"exec\"\ncommand = []\n") ==
        "agent.toml:5: source.command: expected a program and its arguments");
  CHECK(message_of(kNode + "[[source]]\nkind = \"exec\"\ncommand = [\"x\"]\n"
                           "restart_first = \"1m\"\nrestart_most = \"1s\"\n") ==
        "agent.toml:7: source.restart_most: expected at least restart_first");
  CHECK(message_of(kNode + "[[class]]\nmatch = \"a\"\npolicy = \"keep\"\n") ==
        "agent.toml:5: class.policy: expected one of \"drop_oldest\" \"drop_newest\" \"thin\", got "
        "\"keep\"");
}

TEST_CASE("an eighth class is refused") {
  std::string text = kNode;
  for (int i = 0; i < 7; ++i) text += "[[class]]\nmatch = \"m\"\npolicy = \"thin\"\n";
  CHECK(read(text).has_value());
  CHECK(message_of(text + "[[class]]\nmatch = \"m\"\npolicy = \"thin\"\n") ==
        "agent.toml:25: class.match: expected at most 7 classes");
}

TEST_CASE("an address that is open to others must be allowed by name") {
  const auto config = read(kNode +
                           "[listen]\nhttp = \"0.0.0.0:8086\"\nallow_insecure = true\n"
                           "[mqtt]\nurl = \"mqtt://192.0.2.1\"\nallow_insecure = true\n");
  REQUIRE(config);
  CHECK(config->listen_http == "0.0.0.0:8086");
  CHECK_FALSE(config->uplink.pin_at_first_sight);
}
