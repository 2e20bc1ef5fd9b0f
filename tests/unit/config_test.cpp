#include "proto/rt/config.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "proto/rt/config_parts.h"
#include "proto/rt/config_value.h"
#include "proto/rt/live_config.h"
#include "tests/support/fakes/fake_files.h"
#include "tests/support/sim/sim_log.h"
#include "tests/support/sim/sim_world.h"

using namespace fieldpost::rt;  // NOLINT
namespace sim = fieldpost::sim;

namespace {

ConfigSchema sample_schema() {
  return {
      {.name = "mqtt",
       .keys = {{.name = "url", .preset = "mqtt://127.0.0.1:1883", .meaning = "the broker"},
                {.name = "token", .meaning = "who we are", .secret = true},
                {.name = "qos",
                 .type = ConfigType::kInteger,
                 .preset = "1",
                 .least = "0",
                 .most = "2",
                 .meaning = "how often"}}},
      {.name = "batch",
       .keys = {{.name = "window",
                 .type = ConfigType::kDuration,
                 .preset = "100ms",
                 .least = "1ms",
                 .most = "10s",
                 .meaning = "closes at this age",
                 .reloadable = true},
                {.name = "bytes_max",
                 .type = ConfigType::kBytes,
                 .preset = "64KiB",
                 .least = "1KiB",
                 .meaning = "… or at this size"},
                {.name = "when_full",
                 .preset = "drop_oldest",
                 .meaning = "what goes",
                 .choices = {"drop_oldest", "drop_newest"}},
                {.name = "on", .type = ConfigType::kFlag, .preset = "true", .meaning = "at all"},
                {.name = "labels",
                 .type = ConfigType::kList,
                 .preset = "a,b",
                 .meaning = "kinds of machine",
                 .is_valid = [](std::string_view item) { return !item.empty(); },
                 .expectation = "not empty"}}},
      {.name = "source",
       .repeated = true,
       .kind = "exec",
       .keys = {{.name = "command", .meaning = "what runs", .required = true}}},
      {.name = "source",
       .repeated = true,
       .kind = "mqtt_topics",
       .keys = {{.name = "every", .type = ConfigType::kDuration, .preset = "1s"},
                {.name = "fields", .type = ConfigType::kMap, .meaning = "pointers"}}}};
}

Result<Config> load(std::string text, std::vector<std::string> sets = {},
                    std::vector<std::pair<std::string, std::string>> environment = {}) {
  return load_config(sample_schema(), {.file_name = "agent.toml",
                                       .file_text = std::move(text),
                                       .environment = std::move(environment),
                                       .sets = std::move(sets)});
}

std::string message_of(const Result<Config>& config) {
  return config ? "no error" : config.error().message;
}

}  // namespace

TEST_CASE("an empty file gives every key its default") {
  const auto config = load("");
  REQUIRE(config);
  CHECK(config->section("mqtt").text("url") == "mqtt://127.0.0.1:1883");
  CHECK(config->section("mqtt").integer("qos") == 1);
  CHECK(config->section("batch").duration("window") == Millis(100));
  CHECK(config->section("batch").bytes("bytes_max") == 65'536);
  CHECK(config->section("batch").flag("on"));
  CHECK(config->section("batch").list("labels") == ConfigList{"a", "b"});
  CHECK(config->tables("source").empty());
}

TEST_CASE("the file is read, and repeated tables keep its order") {
  const auto config = load(R"(
[batch]
window = "2s"
labels = []
on = false
[[source]]
kind = "mqtt_topics"
fields = { temperature = "/t", humidity = "/h" }
[[source]]
kind = "exec"
command = "/bin/true"
)");
  REQUIRE_MESSAGE(config, message_of(config));
  CHECK(config->section("batch").duration("window") == Seconds(2));
  CHECK(config->section("batch").list("labels").empty());
  CHECK_FALSE(config->section("batch").flag("on"));
  const auto& sources = config->tables("source");
  REQUIRE(sources.size() == 2);
  CHECK(sources[0].text("kind") == "mqtt_topics");
  CHECK(sources[0].map("fields").size() == 2);
  CHECK(sources[0].duration("every") == Seconds(1));
  CHECK(sources[1].text("command") == "/bin/true");
}

TEST_CASE("the environment beats the file, and --set beats both") {
  const std::string file = "[mqtt]\nurl = \"mqtt://file:1\"\nqos = 0\n[batch]\nwindow = \"1s\"\n";
  const auto config = load(file, {"mqtt.url=mqtt://set:3", "batch.labels=x,y"},
                           {{"FIELDPOST_MQTT__URL", "mqtt://environment:2"},
                            {"FIELDPOST_MQTT__QOS", "2"},
                            {"FIELDPOST_URL", "http://not-a-key"},
                            {"HOME", "/root"}});
  REQUIRE_MESSAGE(config, message_of(config));
  CHECK(config->section("mqtt").text("url") == "mqtt://set:3");
  CHECK(config->section("mqtt").integer("qos") == 2);
  CHECK(config->section("batch").duration("window") == Seconds(1));
  CHECK(config->section("batch").list("labels") == ConfigList{"x", "y"});
}

TEST_CASE("a wrong configuration is refused by file, line and key, with what was expected") {
  struct Wrong {
    std::string text;
    std::string message;
  };
  const std::vector<Wrong> table = {
      {"[batch\n",
       "agent.toml:1: not valid TOML: Error while parsing table header: expected ']', saw '\\n'"},
      {"window = \"1s\"\n",
       "agent.toml:1: window: expected a section such as [window], not a key outside of one"},
      {"[batc]\n", "agent.toml:1: unknown section [batc]; did you mean batch?"},
      {"[weather]\n",
       "agent.toml:1: unknown section [weather]; expected one of: mqtt, batch, source"},
      {"[batch]\n\nwindw = \"1s\"\n",
       "agent.toml:3: batch.windw: unknown key; did you mean window?"},
      {"[mqtt]\nsomething_else = 1\n",
       "agent.toml:2: mqtt.something_else: unknown key; expected one of: url, token, qos"},
      {"[batch]\nwindow = 100\n",
       "agent.toml:2: batch.window: expected a duration such as \"100ms\" from 1ms to 10s, got "
       "100"},
      {"[batch]\nwindow = \"100\"\n",
       "agent.toml:2: batch.window: expected a duration such as \"100ms\" from 1ms to 10s, got "
       "\"100\""},
      {"[batch]\nwindow = \"11s\"\n",
       "agent.toml:2: batch.window: expected a duration such as \"100ms\" from 1ms to 10s, got "
       "\"11s\""},
      {"[batch]\nbytes_max = \"1023B\"\n",
       "agent.toml:2: batch.bytes_max: expected a size such as \"64KiB\" of at least 1KiB, got "
       "\"1023B\""},
      {"[batch]\nbytes_max = \"64kb\"\n",
       "agent.toml:2: batch.bytes_max: expected a size such as \"64KiB\" of at least 1KiB, got "
       "\"64kb\""},
      {"[batch]\nbytes_max = \"99999999TiB\"\n",
       "agent.toml:2: batch.bytes_max: expected a size such as \"64KiB\" of at least 1KiB, got "
       "\"99999999TiB\""},
      {"[batch]\nwhen_full = \"panic\"\n",
       "agent.toml:2: batch.when_full: expected one of \"drop_oldest\" \"drop_newest\", got "
       "\"panic\""},
      {"[batch]\non = \"true\"\n", "agent.toml:2: batch.on: expected true or false, got \"true\""},
      {"[batch]\nlabels = \"a\"\n",
       "agent.toml:2: batch.labels: expected a list of strings, each not empty, got \"a\""},
      {"[batch]\nlabels = [\"a\", 1]\n",
       "agent.toml:2: batch.labels: expected a list of strings, each not empty, got a list that "
       "holds a value of type integer"},
      {"[batch]\nlabels = [\"\"]\n",
       "agent.toml:2: batch.labels: expected a list of strings, each not empty, got a list of 1"},
      {"[mqtt]\nqos = 3\n", "agent.toml:2: mqtt.qos: expected an integer from 0 to 2, got 3"},
      {"[mqtt]\nqos = \"1\"\n",
       "agent.toml:2: mqtt.qos: expected an integer from 0 to 2, got \"1\""},
      {"[mqtt]\nqos = 1.5\n",
       "agent.toml:2: mqtt.qos: expected an integer from 0 to 2, got a value of type "
       "floating-point"},
      {"[mqtt]\nurl = 5\n", "agent.toml:2: mqtt.url: expected a string, got 5"},
      {"[mqtt]\ntoken = 12345\n", "agent.toml:2: mqtt.token: expected a string"},
      {"[[mqtt]]\n", "agent.toml:1: expected one [mqtt], not [[mqtt]]"},
      {"[source]\n", "agent.toml:1: expected [[source]], one for each, not [source]"},
      {"[[source]]\n", "agent.toml:1: source.kind: missing; expected one of: exec, mqtt_topics"},
      {"[[source]]\nkind = \"exe\"\n",
       "agent.toml:1: source.kind: unknown kind \"exe\"; did you mean exec?"},
      {"[[source]]\nkind = \"exec\"\n", "agent.toml:1: source.command: missing; it has no default"},
      {"[[source]]\nkind = \"exec\"\ncommand = \"x\"\nevery = \"1s\"\n",
       "agent.toml:4: source.every: unknown key; expected one of: command"},
      {"[[source]]\nkind = \"mqtt_topics\"\nfields = { a = 1 }\n",
       "agent.toml:3: source.fields: expected a table of strings, got a table that holds a value "
       "of type integer"},
      {"[batch]\nwindow = \"1s\"\nwindow = \"2s\"\n",
       "agent.toml:3: not valid TOML: Error while parsing key-value pair: cannot redefine existing "
       "string 'window'"},
  };
  for (const auto& wrong : table) {
    INFO(wrong.text);
    CHECK(message_of(load(wrong.text)) == wrong.message);
  }
}

TEST_CASE("a wrong override is refused by where it came from") {
  CHECK(message_of(load("", {"batch.window=soon"})) ==
        "--set: batch.window: expected a duration such as \"100ms\" from 1ms to 10s, got \"soon\"");
  CHECK(message_of(load("", {"window"})) == "--set: expected section.key=value, got \"window\"");
  CHECK(message_of(load("", {"a=b.c"})) == "--set: expected section.key=value, got \"a=b.c\"");
  CHECK(message_of(load("", {"source.command=x"})) ==
        "--set: [[source]] can be set in the file only");
  CHECK(message_of(load("", {}, {{"FIELDPOST_BATCH__ON", "yes"}})) ==
        "FIELDPOST_BATCH__ON: batch.on: expected true or false, got \"yes\"");
  CHECK(message_of(load("", {}, {{"FIELDPOST_BACH__ON", "yes"}})) ==
        "FIELDPOST_BACH__ON: unknown section [bach]; did you mean batch?");
  CHECK(message_of(load("", {}, {{"FIELDPOST_MQTT__TOKE", "hush"}})) ==
        "FIELDPOST_MQTT__TOKE: mqtt.toke: unknown key; did you mean token?");
}

TEST_CASE("a file over a megabyte is refused unread") {
  CHECK(message_of(load(std::string(kConfigBytesMax + 1, ' '))) ==
        "agent.toml: expected a file of at most 1 MiB");
}

TEST_CASE("the effective configuration loads again as the same, and shows no secret") {
  const auto config = load(
      "[mqtt]\ntoken = \"hush\"\n[batch]\nwindow = \"1500ms\"\n[[source]]\n"
      "kind = \"mqtt_topics\"\nfields = { \"a\\\"b\" = \"/x\\u0007\" }\n");
  REQUIRE(config);
  const std::string text = to_toml(sample_schema(), *config);
  CHECK(text.find("hush") == std::string::npos);
  CHECK(text.find("token = \"***\"") != std::string::npos);
  CHECK(text.find("window = \"1500ms\"                        # closes at this age\n") !=
        std::string::npos);
  const auto again = load(text);
  REQUIRE_MESSAGE(again, message_of(again));
  const auto changes = compare_configs(sample_schema(), *config, *again);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].key == "mqtt.token");
}

TEST_CASE("the effective configuration is told as JSON, and shows no secret") {
  const auto config = load(
      "[mqtt]\ntoken = \"hush\"\n[batch]\nwindow = \"1500ms\"\n[[source]]\n"
      "kind = \"mqtt_topics\"\nfields = { \"a\\\"b\" = \"/x\" }\n");
  REQUIRE(config);
  CHECK(to_json(sample_schema(), *config) ==
        R"({"mqtt":{"url":"mqtt://127.0.0.1:1883","token":"***","qos":1},)"
        R"("batch":{"window":"1500ms","bytes_max":"64KiB","when_full":"drop_oldest","on":true,)"
        R"("labels":["a","b"]},)"
        R"("source":[{"kind":"mqtt_topics","every":"1s","fields":{"a\"b":"/x"}}]})");
  CHECK(to_json(sample_schema(), *load("")).ends_with(R"(,"source":[]})"));
}

TEST_CASE("a file that is named and cannot be read is refused by file, line and key") {
  const ConfigSchema schema = {{.name = "mqtt", .keys = mqtt_keys("mqtt://127.0.0.1:1883")}};
  const auto config = load_config(
      schema, {.file_name = "agent.toml",
               .file_text = "[mqtt]\nusername = \"n\"\npassword_file = \"/etc/secret\"\n"});
  REQUIRE(config);
  sim::FakeFiles files;
  const auto missing = check_files(schema, *config, files);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Errc::kInvalid);
  CHECK(missing.error().message.starts_with("agent.toml:3: mqtt.password_file: "));
  files.errors["/etc/secret"] = {Errc::kDenied, "opening /etc/secret: Permission denied"};
  const auto denied = check_files(schema, *config, files);
  REQUIRE_FALSE(denied);
  CHECK(denied.error().code == Errc::kDenied);
  CHECK(denied.error().message ==
        "agent.toml:3: mqtt.password_file: opening /etc/secret: Permission denied");
  files.errors.clear();
  files.put("/etc/secret", "x");
  CHECK(check_files(schema, *config, files));
}

TEST_CASE("an address that is open to others is warned of, and one on loopback says so") {
  CHECK(trust_words("127.0.0.1:8086") == " (loopback only: no TLS, no users)");
  CHECK(trust_words("0.0.0.0:8086").empty());
  const ConfigSchema schema = {
      {.name = "mqtt", .keys = mqtt_keys("mqtt://127.0.0.1:1883")},
      {.name = "listen", .keys = {listen_key("http", "", "writes"), allow_insecure_key()}}};
  const auto insecure = [&](const std::string& text) {
    const auto config = load_config(schema, {.file_name = "agent.toml", .file_text = text});
    REQUIRE_MESSAGE(config, message_of(config));
    return list_insecure(schema, *config);
  };
  CHECK(insecure("[mqtt]\nallow_insecure = true\n[listen]\nhttp = \"[::1]:80\"\n").empty());
  CHECK(insecure("[mqtt]\nurl = \"mqtts://broker:8883\"\n").empty());
  const auto both =
      insecure("[mqtt]\nurl = \"mqtt://broker:1883\"\n[listen]\nhttp = \"0.0.0.0:80\"\n");
  REQUIRE(both.size() == 2);
  CHECK(both[0].starts_with("mqtt.url: mqtt://broker:1883 is open to whoever reaches it"));
  CHECK(both[1].starts_with("listen.http: 0.0.0.0:80 is open to whoever reaches it"));
}

TEST_CASE("what changed says whether it takes a restart") {
  const auto before = load("[batch]\nwindow = \"1s\"\n");
  const auto after = load(
      "[batch]\nwindow = \"2s\"\non = false\n[[source]]\nkind = \"exec\"\n"
      "command = \"x\"\n");
  REQUIRE(before);
  REQUIRE(after);
  CHECK(compare_configs(sample_schema(), *before, *before).empty());
  const auto changes = compare_configs(sample_schema(), *before, *after);
  REQUIRE(changes.size() == 3);
  CHECK(changes[0].key == "batch.window");
  CHECK_FALSE(changes[0].needs_restart);
  CHECK(changes[1].key == "batch.on");
  CHECK(changes[1].needs_restart);
  CHECK(changes[2].key == "source");
  CHECK(changes[2].needs_restart);
}

TEST_CASE("SIGHUP applies what it can and names what waits for a restart") {
  sim::SimWorld world{1};
  sim::SimLog log{world, "daemon"};
  log.keep_from(LogLevel::kDebug);
  std::vector<Nanos> applied;
  bool fits = true;
  const ConfigSchema schema = sample_schema();
  LiveConfig live(
      schema, *load("[batch]\nwindow = \"1s\"\n"), log,
      {[&](const Config&) {
         return fits ? ok() : Status(Error{Errc::kInvalid, "no"});
       },
       [&](const Config& fresh) { applied.push_back(fresh.section("batch").duration("window")); }});
  auto said = [&log, from = std::size_t{0}]() mutable {
    std::vector<std::string> lines;
    for (; from < log.lines().size(); ++from) lines.push_back(log.lines()[from].text);
    return lines;
  };
  using Lines = std::vector<std::string>;

  live.take(load("[batch]\nwindow = \"2s\"\non = false\n"));
  REQUIRE(applied == std::vector<Nanos>{Seconds(2)});
  CHECK(said() == Lines{"daemon: batch.on changed: it takes effect at the next start",
                        "daemon: batch.window changed: it is in effect"});
  // Said at every level of the log: whoever sent SIGHUP has to learn it.
  CHECK(log.count(LogLevel::kError) == 1);
  // What waits is said again; what is in effect is not.
  live.take(load("[batch]\nwindow = \"2s\"\non = false\n"));
  CHECK(said() == Lines{"daemon: batch.on changed: it takes effect at the next start"});
  live.take(load("[batch]\nwindow = \"1s\"\n"));
  CHECK(applied.back() == Seconds(1));
  CHECK(said() == Lines{"daemon: batch.window changed: it is in effect"});
  live.take(load("[batch]\nwindow = \"1s\"\n"));
  CHECK(said() == Lines{"daemon: configuration read again: nothing changed"});

  fits = false;
  const std::size_t before = applied.size();
  live.take(load("[batch]\nwindow = \"3s\"\n"));
  live.take(load("[batch]\nwindow = 3\n"));
  CHECK(applied.size() == before);
  const Lines refused = said();
  REQUIRE(refused.size() == 2);
  CHECK(refused[0] == "daemon: configuration not reloaded, the one before stays: no");
  CHECK(refused[1].find("window") != std::string::npos);
}

TEST_CASE("durations and sizes are written in the largest whole unit") {
  CHECK(format_duration(Nanos{0}) == "0s");
  CHECK(format_duration(std::chrono::hours(48)) == "2d");
  CHECK(format_duration(Millis(90'000)) == "90s");
  CHECK(format_bytes(0) == "0B");
  CHECK(format_bytes(1536) == "1536B");
  CHECK(format_bytes(1ll << 40) == "1TiB");
  CHECK_FALSE(parse_duration("-1s").has_value());
  CHECK_FALSE(parse_duration("").has_value());
  CHECK_FALSE(parse_duration("1").has_value());
  CHECK_FALSE(parse_duration("1 s").has_value());
  CHECK_FALSE(parse_duration("106752d").has_value());
  CHECK(parse_duration("106751d").has_value());
}
