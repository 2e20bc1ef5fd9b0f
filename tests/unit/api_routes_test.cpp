#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "coordinator/http/health_routes.h"
#include "tests/support/api_world.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT
using test::ApiWorld;

TEST_CASE("a path that is none is a 404 problem, and a wrong method a 405 with Allow") {
  ApiWorld world;
  CHECK(world.problem("/api/v1/nothing", 404) == "there is nothing at /api/v1/nothing");
  CHECK(world.problem("/api/v1/nodes/", 404) == "there is nothing at /api/v1/nodes/");
  CHECK(world.problem("/api/v1/nodes/a/b", 404) == "there is nothing at /api/v1/nodes/a/b");
  const auto& wrong = world.ask("DELETE", "/api/v1/nodes");
  CHECK(wrong.response->status == 405);
  CHECK(wrong.response->headers.get("Allow") == "GET, HEAD, OPTIONS");
  const auto& options = world.ask("OPTIONS", "/api/v1/nodes/a/commands");
  CHECK(options.response->status == 204);
  CHECK(options.response->headers.get("Allow") == "GET, HEAD, OPTIONS, POST");
  CHECK(world.ask("HEAD", "/healthz").response->status == 200);
}

TEST_CASE("every route stands in openapi.json and everything in it is a route") {
  ApiWorld world;
  const auto document = world.get("/api/v1/openapi.json");
  std::set<std::string> described;
  for (const auto& [path, methods] : document.at("paths").items()) {
    for (const auto& [method, operation] : methods.items()) {
      std::string upper = method;
      for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
      described.insert(upper + " " + path);
      CHECK(operation.contains("summary"));
      CHECK(operation.contains("responses"));
    }
  }
  std::set<std::string> routed;
  for (const auto& route : world.api->router().routes()) {
    routed.insert(route.method + " " + route.pattern);
  }
  CHECK(described == routed);
}

TEST_CASE("every reference in openapi.json leads somewhere") {
  ApiWorld world;
  const auto document = world.get("/api/v1/openapi.json");
  const std::string text = document.dump();
  const std::string mark = "\"$ref\":\"#/components/schemas/";
  std::size_t found = 0;
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    const std::size_t begin = at + mark.size();
    CHECK(document.at("components")
              .at("schemas")
              .contains(text.substr(begin, text.find('"', begin) - begin)));
    ++found;
  }
  CHECK(found > 10);
}

TEST_CASE("a page of another site may read nothing new and change nothing") {
  ApiWorld world;
  const auto post = [&](rt::HttpHeaders headers) {
    return world.ask("POST", "/write", std::move(headers), "m v=1 1").response->status;
  };
  CHECK(post({{"Host", "box:8080"}, {"Origin", "http://evil.example"}}) == 403);
  CHECK(post({{"Host", "box:8080"}, {"Origin", "null"}}) == 403);
  CHECK(world.view.writes.empty());
  CHECK(post({{"Host", "box:8080"}, {"Origin", "http://box:8080"}}) == 204);
  CHECK(post({{"Host", "box:8080"}}) == 204);
}

TEST_CASE("health, readiness and metrics") {
  ApiWorld world;
  CHECK(world.get("/healthz").at("status") == "ok");
  CHECK(world.get("/readyz").at("status") == "ready");
  world.view.ready = {.ready = false, .why_not = "the broker is not connected"};
  CHECK(world.problem("/readyz", 503) == "the broker is not connected");
  CHECK(world.answers.back().response->headers.get("Retry-After") == "1");
  world.view.metric_list = {{"fieldpost_records_total",
                             "Records.",
                             MetricKind::kCounter,
                             {{{{"node", "a\"\\\n"}}, 12}, {{}, 0.5}}}};
  const auto& metrics = world.ask("GET", "/metrics");
  CHECK(metrics.response->headers.get("Content-Type").starts_with("text/plain; version=0.0.4"));
  CHECK(
      metrics.response->body.starts_with("# HELP fieldpost_records_total Records.\n"
                                         "# TYPE fieldpost_records_total counter\n"
                                         "fieldpost_records_total{node=\"a\\\"\\\\\\n\"} 12\n"
                                         "fieldpost_records_total 0.5\n"));
  CHECK(metrics.response->body.find("fieldpost_build_info{version=\"1.2.3\"} 1\n") !=
        std::string::npos);
}

TEST_CASE("a coordinator whose store does not answer is not ready") {
  ApiWorld world;
  for (int i = 0; i < kQuestionsMax; ++i) {
    world.desk->ask<bool>([](ReadingQuery&) { return true; }, [](const rt::Result<bool>&) {});
  }
  CHECK(world.problem("/readyz", 503).starts_with("the store: "));
  CHECK(world.answers.back().response->headers.get("Retry-After") == "1");
  world.settle();
  CHECK(world.get("/readyz").at("status") == "ready");
}

TEST_CASE("the page brings a policy without unsafe sources and asks for nothing elsewhere") {
  ApiWorld world;
  for (const std::string path : {"/", "/page.js", "/page.css", "/icon.svg"}) {
    INFO("path ", path);
    const auto& answer = world.ask("GET", path);
    REQUIRE(answer.response.has_value());
    CHECK(answer.response->status == 200);
    const std::string policy(answer.response->headers.get("Content-Security-Policy"));
    CHECK(policy.starts_with("default-src 'none'"));
    CHECK(policy.find("unsafe") == std::string::npos);
    const std::string& text = answer.response->body;
    CHECK(text.find("https://") == std::string::npos);
    CHECK(text.find("innerHTML") == std::string::npos);
    CHECK(text.find(" style=") == std::string::npos);
    CHECK(text.find(" onclick=") == std::string::npos);
  }
  CHECK(world.ask("GET", "/").response->headers.get("Content-Type") == "text/html; charset=utf-8");
}
