#include "proto/mapping/http_route_config.h"

#include <doctest/doctest.h>

#include <string>

#include "agent/config.h"
#include "coordinator/config.h"

using namespace fieldpost;  // NOLINT

namespace {

const std::string kNode = "[node]\nid = \"n1\"\n";
const std::string kRoute =
    "[[http_route]]\npath = \"/door/{door}\"\nmeasurement = \"door\"\nfields = { v = \"/v\" }\n";

rt::Result<agent::AgentConfig> read_agent(const std::string& text) {
  const auto config =
      rt::load_config(agent::agent_schema(), {.file_name = "a.toml", .file_text = kNode + text});
  if (!config) return config.error();
  return agent::read_agent_config(*config);
}

rt::Result<coordinator::CoordinatorConfig> read_coordinator(const std::string& text) {
  const auto config = rt::load_config(coordinator::coordinator_schema(),
                                      {.file_name = "c.toml", .file_text = text});
  if (!config) return config.error();
  return coordinator::read_coordinator_config(*config);
}

std::string agent_says(const std::string& text) {
  const auto config = read_agent(text);
  return config ? "no error" : config.error().message;
}

std::string coordinator_says(const std::string& text) {
  const auto config = read_coordinator(text);
  return config ? "no error" : config.error().message;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  return text.replace(text.find(what), what.size(), by);
}

}  // namespace

TEST_CASE("a route has the same keys at the agent and at the coordinator") {
  const std::string full = R"([[http_route]]
path = "/report/{station}"
method = "GET"
body = "query"
measurement = "weather"
tags = { maker = "x" }
tag_pointers = { id = "ID" }
fields = { t = "tempf", rain = "rain" }
types = { rain = "bool" }
units = { t = "[degF]" }
time_pointer = "when"
time_precision = "ms"
keep_raw = true
response_status = 200
response_body = "success\n"
response_type = "text/html"
)";
  const auto agent = read_agent(full);
  const auto coordinator = read_coordinator(full + "node = \"roof\"\n");
  REQUIRE(agent);
  REQUIRE(coordinator);
  CHECK(agent->routes.at(0).node == "n1");
  CHECK(coordinator->routes.at(0).node == "roof");
  for (const mapping::HttpRoute& route : {agent->routes.at(0), coordinator->routes.at(0)}) {
    CHECK(mapping::route_name(route) == "http_route:GET /report/{station}");
    CHECK(route.rules.format == mapping::RuleFormat::kRequestQuery);
    CHECK(route.rules.measurement == "weather");
    CHECK(route.rules.json.fields.size() == 2);
    CHECK(route.rules.json.time_pointer == "when");
    CHECK(route.rules.json.time_precision == wire::Precision::kMs);
    CHECK(route.keep_raw);
    CHECK(route.response_status == 200);
    CHECK(route.response_body == "success\n");
    CHECK(route.response_type == "text/html");
    // What a replay reads is what the configuration says.
    const std::string text = mapping::encode_rules(route.rules);
    CHECK(mapping::encode_rules(mapping::parse_rules(text).value()) == text);
  }
}

TEST_CASE("a route needs no more than path, measurement and fields") {
  const auto config = read_coordinator(kRoute);
  REQUIRE(config);
  const mapping::HttpRoute& route = config->routes.at(0);
  CHECK(route.method == "POST");
  CHECK(route.rules.format == mapping::RuleFormat::kRequestJson);
  CHECK(route.node.empty());
  CHECK_FALSE(route.keep_raw);
  CHECK(route.response_status == 204);
  CHECK(route.response_body.empty());
  CHECK(read_agent("")->routes.empty());
}

TEST_CASE("a route may not take what the program answers itself") {
  const auto at = [](const std::string& path) { return replaced(kRoute, "/door/{door}", path); };
  CHECK(agent_says(at("/write")) ==
        "a.toml:4: http_route.path: expected a path that does not begin with /write: /write is "
        "this program's own");
  CHECK(agent_says(at("/api/v3/door")) ==
        "a.toml:4: http_route.path: expected a path that does not begin with /api: /api/v2/write "
        "is this program's own");
  CHECK(coordinator_says(at("/healthz/{x}"))
            .starts_with("c.toml:2: http_route.path: expected a path that does not begin with "
                         "/healthz"));
  for (const char* own : {"/", "/page.js", "/metrics/x", "/apt/x", "/badge/{x}", "/api/door"}) {
    INFO(own);
    CHECK(coordinator_says(at(own)).find("is this program's own") != std::string::npos);
  }
  CHECK(agent_says(at("/")) == "no error");
  CHECK(agent_says(at("/metrics")) == "no error");
  CHECK(agent_says(at("/{door}")) ==
        "a.toml:4: http_route.path: expected text between its first slashes, for this program has "
        "paths of its own");
  CHECK(agent_says(at("/writer")) == "no error");
}

TEST_CASE("a wrong route is refused by line and key") {
  const auto with = [](const std::string& line) { return coordinator_says(kRoute + line + "\n"); };
  CHECK(coordinator_says("[[http_route]]\n") ==
        "c.toml:1: http_route.path: missing; it has no default");
  CHECK(coordinator_says(replaced(kRoute, "/door/{door}", "door")) ==
        "c.toml:2: http_route.path: expected a path such as \"/door/{door}/event\" of at most 200 "
        "bytes, got \"door\"");
  CHECK(
      coordinator_says(replaced(kRoute, "/door/{door}", "/a?id={door}")).starts_with("c.toml:2: "));
  const std::string longest = "/" + std::string(199, 'x');
  CHECK(coordinator_says(replaced(kRoute, "/door/{door}", longest)) == "no error");
  CHECK(
      coordinator_says(replaced(kRoute, "/door/{door}", longest + "x")).starts_with("c.toml:2: "));
  CHECK(coordinator_says(replaced(kRoute, "/door/{door}", "/a/+")).starts_with("c.toml:2: "));
  CHECK(coordinator_says(replaced(kRoute, "\"door\"", "\"\"")) ==
        "c.toml:3: http_route.measurement: expected not empty, got \"\"");
  CHECK(coordinator_says(replaced(kRoute, "\"/v\"", "\"v\"")) ==
        "c.toml:4: http_route.fields: \"v\" is no JSON pointer: it has to begin with a slash");
  CHECK(with("types = { u = \"f64\" }") == "c.toml:5: http_route.types: no field u");
  CHECK(with("units = { u = \"m\" }") == "c.toml:5: http_route.units: no field u");
  CHECK(with("tags = { door = \"x\" }")
            .starts_with("c.toml:4: http_route.fields: field v cannot be a series"));
  CHECK(with("method = \"DELETE\"").starts_with("c.toml:5: http_route.method: expected one of"));
  CHECK(with("method = \"GET\"") ==
        "c.toml:1: http_route.body: expected \"query\": a GET has no body");
  CHECK(with("body = \"xml\"").starts_with("c.toml:5: http_route.body: expected one of"));
  CHECK(with("node = \"A\"").starts_with("c.toml:5: http_route.node: expected a name"));
  CHECK(
      with("response_status = 404").starts_with("c.toml:5: http_route.response_status: expected"));
  CHECK(with("response_body = \"OK\"") ==
        "c.toml:5: http_route.response_body: expected response_status = 200 beside it: 204 has no "
        "body");
  CHECK(with("response_type = \"a\\nb\"")
            .starts_with("c.toml:5: http_route.response_type: expected a media type"));
  CHECK(with("response_type = \"\"") != "no error");
  CHECK(with("response_body = \"" + std::string(4097, 'x') + "\"") != "no error");
  CHECK(with("fields_ = {}").starts_with("c.toml:5: http_route.fields_: unknown key"));
  CHECK(agent_says(kRoute + "node = \"n2\"\n").starts_with("a.toml:7: http_route.node: unknown"));
}

TEST_CASE("two routes may share a path, not a path and a method") {
  const std::string put = kRoute + "method = \"PUT\"\n";
  CHECK(coordinator_says(kRoute + put) == "no error");
  CHECK(coordinator_says(kRoute + kRoute) ==
        "c.toml:6: http_route.path: another route takes POST /door/{door}");
}

TEST_CASE("routes need an address, and are bounded") {
  CHECK(agent_says("[listen]\nhttp = \"\"\n" + kRoute) ==
        "a.toml:6: http_route.path: expected an address in listen.http, where routes are served");
  CHECK(agent_says("[listen]\nhttp = \"\"\n") == "no error");
  const auto many = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      text += replaced(kRoute, "/door/", "/door" + std::to_string(i) + "/");
    }
    return text;
  };
  CHECK(coordinator_says(many(64)) == "no error");
  CHECK(coordinator_says(many(65)).ends_with("http_route.path: expected at most 64 routes"));
  std::string sources;
  for (int i = 0; i < 250; ++i) sources += "[[source]]\nkind = \"host_metrics\"\n";
  CHECK(agent_says(sources + many(3)) == "no error");
  CHECK(agent_says(sources + many(4)).ends_with("expected at most 253 sources and routes"));
}

TEST_CASE("a changed route waits for the next start") {
  const auto load = [](const std::string& text) {
    return rt::load_config(coordinator::coordinator_schema(),
                           {.file_name = "c.toml", .file_text = text})
        .value();
  };
  const auto changes =
      rt::compare_configs(coordinator::coordinator_schema(), load(""), load(kRoute));
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].key == "http_route");
  CHECK(changes[0].needs_restart);
}
