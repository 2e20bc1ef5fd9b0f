#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "coordinator/pipelines/matrix_legs.h"
#include "coordinator/pipelines/plan.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT
using nlohmann::json;

namespace {

using Files = std::map<std::string, std::string>;

FlatPipeline flatten(const Files& files) {
  Problems problems;
  auto flat = load_pipeline(
      "main.yml",
      [&](const std::string& file) -> rt::Result<std::string> { return files.at(file); }, problems);
  for (const Problem& each : problems.all()) FAIL_CHECK(to_string(each));
  REQUIRE(flat.has_value());
  return *std::move(flat);
}

Plan planned(const Files& files, const PlanRequest& request = {}) {
  Problems problems;
  auto out = plan(flatten(files), request, problems);
  for (const Problem& each : problems.all()) FAIL_CHECK(to_string(each));
  REQUIRE(out.has_value());
  return *std::move(out);
}

std::string wrong(const Files& files, const PlanRequest& request = {}) {
  Problems problems;
  CHECK_FALSE(plan(flatten(files), request, problems).has_value());
  std::string all;
  for (const Problem& each : problems.all()) all += to_string(each) + "\n";
  return all;
}

std::string names(const Plan& out) {
  std::string all;
  for (const PlannedJob& each : out.jobs) all += (all.empty() ? "" : "; ") + each.name;
  return all;
}

bool says(const std::string& text, const std::string& part) {
  INFO(text);
  INFO(part);
  return text.find(part) != std::string::npos;
}

std::string legs(const Matrix& matrix) {
  std::string all;
  for (const Matrix::Values& leg : legs_of(matrix)) {
    all += all.empty() ? "" : " ";
    for (const auto& [name, value] : leg) all += name + value;
  }
  return all;
}

}  // namespace

TEST_CASE("a matrix has the legs that GitHub makes of it") {
  Matrix matrix;
  CHECK(legs_of(matrix).size() == 1);
  matrix.axes = {{"a", {"1", "2"}}, {"b", {"3", "4"}}};
  CHECK(legs(matrix) == "a1b3 a1b4 a2b3 a2b4");
  matrix.exclude = {{{"a", "1"}, {"b", "4"}}};
  CHECK(legs(matrix) == "a1b3 a2b3 a2b4");
  matrix.exclude = {{{"a", "1"}}};
  CHECK(legs(matrix) == "a2b3 a2b4");
  // The example of GitHub's documentation.
  matrix = {};
  matrix.axes = {{"f", {"apple", "pear"}}, {"a", {"cat", "dog"}}};
  matrix.include = {{{"c", "green"}},
                    {{"c", "pink"}, {"a", "cat"}},
                    {{"f", "apple"}, {"s", "circle"}},
                    {{"f", "banana"}},
                    {{"f", "banana"}, {"a", "cat"}}};
  CHECK(legs(matrix) ==
        "fappleacatcpinkscircle fappleadogcgreenscircle fpearacatcpink fpearadogcgreen "
        "fbanana fbananaacat");
  matrix = {};
  matrix.include = {{{"x", "1"}}, {{"x", "2"}}};
  CHECK(legs(matrix) == "x1 x2");
  CHECK(leg_name("t", {{"a", "\"linux\""}, {"b", "[1]"}, {"c", "3"}}) == "t (linux, 3)");
}

TEST_CASE("a plan has a job for each leg, with what is known of it") {
  PlanRequest request;
  request.build = 7;
  request.context = R"({"github":{"ref":"refs/heads/main"},"vars":{"v":"x"}})";
  request.source = pipeline::SourceSpec{"r", "c", "f"};
  const Plan out = planned({{"main.yml", R"(
name: tests
on: push
env: {TOP: 1}
concurrency: 'g-${{ github.ref }}'
jobs:
  two: {needs: one, name: 'second ${{ vars.v }}', steps: [{run: y}]}
  one:
    runs-on: [linux, '${{ matrix.arch }}']
    strategy: {matrix: {arch: [arm, x86], n: [1]}}
    continue-on-error: ${{ matrix.arch == 'arm' }}
    timeout-minutes: 2
    retry: {max: 1}
    steps: [{run: 'x ${{ secrets.T }}'}]
)"}},
                           request);
  CHECK(names(out) == "one (arm, 1); one (x86, 1); second x");
  CHECK(out.concurrency_group == "g-refs/heads/main");
  const PlannedJob& arm = out.jobs[0];
  CHECK(arm.flat_job == 0);
  CHECK(arm.labels == std::vector<std::string>{"linux", "arm"});
  CHECK(arm.secrets == TextMap{{"T", "T"}});
  CHECK(arm.retry.count_max == 1);
  CHECK(arm.spec.build == 7);
  CHECK(arm.spec.pipeline == "tests");
  CHECK(arm.spec.name == "one (arm, 1)");
  CHECK(arm.spec.source == request.source);
  CHECK(arm.spec.env == TextMap{{"TOP", "1"}});
  CHECK(arm.spec.timeout_s == 120);
  CHECK(arm.spec.continue_on_error);
  CHECK_FALSE(out.jobs[1].spec.continue_on_error);
  CHECK(arm.spec.steps.at(0).run == "x ${{ secrets.T }}");
  const json context = json::parse(arm.spec.context);
  CHECK(context.at("matrix") == json{{"arch", "arm"}, {"n", 1}});
  CHECK(context.at("github").at("ref") == "refs/heads/main");
  CHECK(out.jobs[2].gates.at(0)->needs.at(0)->jobs == JobSet(1));
  CHECK(out.contexts.size() == 1);
}

TEST_CASE("the same request gives the same plan") {
  const Files files = {{"main.yml", R"(
on: push
jobs:
  a: {strategy: {matrix: {x: [1, 2], y: [b, a]}}, steps: [{run: x}]}
  b: {name: same, strategy: {matrix: {x: [[1], [2]]}}, steps: [{run: x}]}
)"}};
  const Plan first = planned(files);
  const Plan second = planned(files);
  CHECK(names(first) == "a (1, b); a (1, a); a (2, b); a (2, a); same; same #2");
  REQUIRE(first.jobs.size() == second.jobs.size());
  for (std::size_t i = 0; i < first.jobs.size(); ++i) {
    INFO(i);
    CHECK(first.jobs[i].spec == second.jobs[i].spec);
  }
}

TEST_CASE("inputs have their types, defaults and what was given") {
  const Files files = {{"main.yml", R"(
on:
  workflow_dispatch:
    inputs:
      flag: {type: boolean, default: true}
      count: {type: number, required: true}
      text: {default: $WHERE}
jobs: {j: {steps: [{run: x}]}}
)"}};
  PlanRequest request;
  request.by_hand = true;
  request.inputs = {{"count", "3"}, {"Flag", "false"}};
  request.arguments.defaults = {{"WHERE", "here"}};
  const auto inputs = [&] {
    return json::parse(planned(files, request).jobs.at(0).spec.context).at("inputs");
  };
  CHECK(inputs() == json{{"flag", false}, {"count", 3}, {"text", "here"}});
  request.arguments.config = {{"WHERE", "config"}};
  CHECK(inputs().at("text") == "config");
  request.arguments.command_line = {{"WHERE", "line"}};
  CHECK(inputs().at("text") == "line");
  request.arguments.environment = {{"WHERE", "environment"}};
  CHECK(inputs().at("text") == "environment");
  request.inputs = {{"count", "many"}, {"flags", "true"}};
  CHECK(says(wrong(files, request), "there is no input `flags` (did you mean `flag`?)"));
  CHECK(says(wrong(files, request), "count: `many`, expected a number"));
  request.inputs = {};
  CHECK(says(wrong(files, request), "main.yml:6:7: count: it is missing, expected a number"));
  request.by_hand = false;
  CHECK(inputs().at("count").is_null());
  request.arguments = {};
  CHECK(says(wrong(files, request), "main.yml:7:7: text: nothing gives `$WHERE` a value"));
}

TEST_CASE("arguments of used pipelines are looked up, and all that have no value are told") {
  Files files = {{"main.yml", R"(
on: push
jobs:
  a: {uses: ./leaf.yml, with: {path: $PATH_A, level: '${{ vars.n }}', money: $$5}}
  b: {steps: [{uses: ./leaf.yml, with: {path: $PATH_B}}]}
)"},
                 {"leaf.yml", R"(
on: {workflow_call: {inputs: {path: {}, level: {type: number, default: $LEVEL}, money: {}}}}
jobs: {l: {steps: [{run: '${{ inputs.path }}'}]}}
)"}};
  PlanRequest request;
  request.context = R"({"vars":{"n":5}})";
  const std::string all = wrong(files, request);
  CHECK(says(all, "main.yml:4:38: with.path: nothing gives `$PATH_A` a value"));
  CHECK(says(all, "main.yml:5:47: with.path: nothing gives `$PATH_B` a value"));
  CHECK(says(all, "leaf.yml:2:41: level: nothing gives `$LEVEL` a value"));
  request.arguments.environment = {{"PATH_A", "/a"}, {"PATH_B", "/b"}, {"LEVEL", "9"}};
  const Plan out = planned(files, request);
  CHECK(names(out) == "a/l; b");
  const json called = json::parse(out.jobs[0].spec.context).at("inputs");
  CHECK(called == json{{"path", "/a"}, {"level", 5}, {"money", "$5"}});
  const json stepped = json::parse(out.jobs[1].spec.context).at("calls");
  CHECK(stepped.at("c2") == json{{"path", "/b"}, {"level", 9}, {"money", ""}});
  CHECK(out.jobs[1].spec.steps.at(0).run == "${{ calls.c2.path }}");
  request.context = R"({"vars":{"n":"x"}})";
  CHECK(says(wrong(files, request), "level: `x`, expected a number"));
}

TEST_CASE("secrets are handed on by name or altogether") {
  const Plan out = planned({{"main.yml", R"(
on: push
jobs:
  named: {uses: ./leaf.yml, secrets: {S: '${{ secrets.OURS }}'}}
  all: {uses: ./leaf.yml, secrets: inherit}
)"},
                            {"leaf.yml", R"(
on: {workflow_call: {secrets: {S: {}, O: {}}}}
jobs: {l: {steps: [{run: '${{ secrets.S }}${{ secrets.O }}'}]}}
)"}});
  REQUIRE(out.jobs.size() == 2);
  CHECK(out.jobs[0].secrets == TextMap{{"S", "OURS"}});
  CHECK(out.jobs[1].secrets == TextMap{{"O", "O"}, {"S", "S"}});
}

TEST_CASE("what cannot be planned says where") {
  const Files job = {{"main.yml", R"(
on: push
jobs: {j: {strategy: {matrix: {a: [1], exclude: [{a: 1}]}}, steps: [{run: x}]}}
)"}};
  CHECK(says(wrong(job), "main.yml:3:8: jobs.j: its matrix excludes all of its legs"));
  const Files name = {{"main.yml", R"(
on: push
jobs: {j: {name: '${{ fromJSON(vars.x) }}', steps: [{run: x}]}}
)"}};
  CHECK(says(wrong(name), "jobs.j.name: "));
  PlanRequest request;
  request.context = "[]";
  CHECK(says(wrong(name, request), "the context of the build"));
  const Files large = {{"main.yml", "on: push\njobs: {j: {steps: [{run: '" +
                                        std::string(60'000, 'x') + "'}, {run: '" +
                                        std::string(60'000, 'x') + "'}, {run: '" +
                                        std::string(60'000, 'x') + "'}]}}"}};
  CHECK(says(wrong(large), "jobs.j: job j: "));
}
