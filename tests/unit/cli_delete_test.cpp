#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/cli_world.h"
#include "tools/cli/verbs.h"

using namespace fieldpost;       // NOLINT
using namespace fieldpost::cli;  // NOLINT
using nlohmann::json;
using test::CliWorld;

namespace {

const std::string kDry = "/api/v1/readings?dry=true&node=a&from=2024-01-01";
const std::string kReal = "/api/v1/readings?dry=false&node=a&from=2024-01-01&reason=wrong%20sensor";
const DeleteOptions kOptions{.node = "a", .from = "2024-01-01", .reason = "wrong sensor"};

}  // namespace

TEST_CASE("delete only tells how much would go until it is told to do it") {
  CliWorld world;
  world.answer(kDry, R"({"dry":true,"series":2,"readings":1284551,"bytes":49152})");
  CHECK(run_delete(world.context, kOptions) == kExitDone);
  CHECK(world.out() ==
        "would delete 1,284,551 readings of 2 series, about 48 KiB in the store; nothing is "
        "deleted yet: --really does it\n");
  REQUIRE(world.fetcher.asked.size() == 1);
  CHECK(world.fetcher.asked[0].method == "DELETE");
}

TEST_CASE("delete says what went and where it is shown") {
  CliWorld world;
  world.answer(kDry, R"({"dry":true,"series":1,"readings":3,"bytes":4})");
  world.answer(kReal, R"({"dry":false,"deletions":[{"node":"a","gap":12}]})", 202);
  DeleteOptions options = kOptions;
  options.really = true;
  SUBCASE("as text") {
    CHECK(run_delete(world.context, options) == kExitDone);
    CHECK(world.out().ends_with("node a: shown as gap 12\n"));
  }
  SUBCASE("as JSON") {
    world.context.json = true;
    CHECK(run_delete(world.context, options) == kExitDone);
    const json document = json::parse(world.out());
    CHECK(document.at("readings") == 3);
    CHECK(document.at("deletions").at(0).at("gap") == 12);
  }
}

TEST_CASE("delete does not ask when an option is given and empty") {
  CliWorld world;
  DeleteOptions options = kOptions;
  options.really = true;
  SUBCASE("the first time") {
    options.from = "";
  }
  SUBCASE("the last time") {
    options.to = "";
  }
  SUBCASE("the node") {
    options.node = "";
    options.measurement = "air";
  }
  CHECK(run_delete(world.context, options) == kExitUsage);
  CHECK(world.err().find("is empty; leave it out") != std::string::npos);
  CHECK(world.fetcher.asked.empty());
}

TEST_CASE("delete fails with the coordinator's own words") {
  CliWorld world;
  world.answer(kDry, R"({"detail":"node: expected a node, a measurement, or both"})", 400);
  CHECK(run_delete(world.context, kOptions) == kExitUsage);
  CHECK(world.err().find("expected a node") != std::string::npos);
  world.answer("/api/v1/readings?dry=true&node=b", "{}");
  CHECK(run_delete(world.context, {.node = "b"}) == kExitFailed);
}

TEST_CASE("the list of gaps says who deleted what") {
  CliWorld world;
  world.answer("/readyz", R"({"status":"ready"})");
  world.answer("/api/v1/nodes?limit=1000", R"({"items":[],"next_cursor":null})");
  world.answer("/api/v1/gaps?limit=1000", R"({"items":[{"id":12,"node":"a","series":null,
    "from":null,"to":null,"readings":3,"cause":"deleted","by":"deleted by 10.0.0.7: wrong sensor",
    "state":"declared"}],"next_cursor":null})");
  CHECK(run_status(world.context, {.gaps = true}) == kExitDone);
  CHECK(world.out().find("deleted by 10.0.0.7: wrong sensor") != std::string::npos);
}
