#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/cli_world.h"
#include "tests/support/fakes/fake_files.h"
#include "tools/cli/pipeline.h"

using namespace fieldpost;       // NOLINT
using namespace fieldpost::cli;  // NOLINT
using nlohmann::json;
using test::CliWorld;

namespace {

const std::string kGood = R"(name: nightly
on:
  push:
  schedule: {cron: '0 3 * * *'}
jobs:
  build: {runs-on: [linux, arm], strategy: {matrix: {a: [1, 2]}}, steps: [{run: x}]}
  call: {needs: build, uses: ./leaf.yml}
)";
const std::string kLeaf = "on: workflow_call\njobs: {l: {steps: [{run: x}, {run: y}]}}\n";

}  // namespace

TEST_CASE("pipeline check sums up a good file") {
  sim::FakeFiles files;
  files.put("/d/good.yml", kGood);
  files.put("/d/leaf.yml", kLeaf);
  CliWorld world;
  SUBCASE("as text") {
    CHECK(run_pipeline_check(world.context, files, {"/d/good.yml"}) == kExitDone);
    CHECK(world.err().empty());
    const std::string out = world.out();
    CHECK(out.find("/d/good.yml: pipeline nightly, begun by push; schedule 0 3 * * * UTC\n") == 0);
    CHECK(out.find("linux, arm") != std::string::npos);
    CHECK(out.find("call/l") != std::string::npos);
  }
  SUBCASE("as JSON") {
    world.context.json = true;
    CHECK(run_pipeline_check(world.context, files, {"/d/good.yml"}) == kExitDone);
    const json document = json::parse(world.out());
    CHECK(document.at("name") == "nightly");
    CHECK(document.at("on").size() == 2);
    CHECK(document.at("jobs").at(0).at("legs") == 2);
    CHECK(document.at("jobs").at(1).at("id") == "call/l");
    CHECK(document.at("jobs").at(1).at("needs") == json::array({"build"}));
    CHECK(document.at("jobs").at(1).at("steps") == 2);
    CHECK(document.at("problems").empty());
  }
}

TEST_CASE("pipeline check tells all that is wrong and exits 78") {
  sim::FakeFiles files;
  files.put("/d/bad.yml", "on: pushh\njobs: {j: {uses: ./none.yml, step: []}}\n");
  CliWorld world;
  SUBCASE("as text") {
    CHECK(run_pipeline_check(world.context, files, {"/d/bad.yml"}) == kExitConfig);
    CHECK(world.out().empty());
    const std::string err = world.err();
    CHECK(err.find("/d/bad.yml:1:5: on.pushh: nothing has this name here (did you mean `push`?), "
                   "expected one of push, ") == 0);
    CHECK(err.find("\n/d/bad.yml:2:30: jobs.j.step: nothing has this name here") !=
          std::string::npos);
  }
  SUBCASE("as JSON") {
    world.context.json = true;
    CHECK(run_pipeline_check(world.context, files, {"/d/bad.yml"}) == kExitConfig);
    CHECK(world.err().empty());
    const json problem = json::parse(world.out()).at("problems").at(0);
    CHECK(problem.at("line") == 1);
    CHECK(problem.at("column") == 5);
    CHECK(problem.at("key") == "on.pushh");
  }
}

TEST_CASE("pipeline check names a used file that is not there, and fails without the file itself") {
  sim::FakeFiles files;
  files.put("/d/main.yml", "on: push\njobs: {j: {uses: ./none.yml}}\n");
  CliWorld world;
  CHECK(run_pipeline_check(world.context, files, {"/d/main.yml"}) == kExitConfig);
  CHECK(world.err().find("/d/main.yml:2:18: uses: ") == 0);
  CliWorld missing;
  CHECK(run_pipeline_check(missing.context, files, {"/d/nothing.yml"}) == kExitFailed);
}
