#include <doctest/doctest.h>

#include <map>
#include <string>

#include "coordinator/pipelines/flat_pipeline.h"
#include "coordinator/pipelines/renames.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT

namespace {

using Files = std::map<std::string, std::string>;

LoadFile loader(const Files& files) {
  return [files](const std::string& file) -> rt::Result<std::string> {
    const auto found = files.find(file);
    if (found == files.end()) return rt::Error{rt::Errc::kNotFound, "reading " + file + ": no"};
    return found->second;
  };
}

/// Loads "d/main.yml".
FlatPipeline flatten(const Files& files) {
  Problems problems;
  auto flat = load_pipeline("d/main.yml", loader(files), problems);
  for (const Problem& each : problems.all()) FAIL_CHECK(to_string(each));
  REQUIRE(flat.has_value());
  return *std::move(flat);
}

std::string wrong(const Files& files) {
  Problems problems;
  CHECK_FALSE(load_pipeline("d/main.yml", loader(files), problems).has_value());
  std::string all;
  for (const Problem& each : problems.all()) all += to_string(each) + "\n";
  return all;
}

std::string ids(const FlatPipeline& flat) {
  std::string all;
  for (const FlatJob& each : flat.jobs) all += (all.empty() ? "" : " ") + each.id;
  return all;
}

std::string ids(const FlatPipeline& flat, const JobSet& jobs) {
  std::string all;
  for (std::size_t i = 0; i < flat.jobs.size(); ++i) {
    if (jobs.test(i)) all += (all.empty() ? "" : " ") + flat.jobs[i].id;
  }
  return all;
}

std::string runs(const FlatJob& job) {
  std::string all;
  for (const Step& each : job.job.steps) all += (all.empty() ? "" : " ") + each.spec.run;
  return all;
}

bool says(const std::string& text, const std::string& part) {
  INFO(text);
  INFO(part);
  return text.find(part) != std::string::npos;
}

const std::string kLeaf = R"(
on: {workflow_call: {inputs: {level: {type: number, default: 1}}, outputs: {
  version: {value: '${{ jobs.build.outputs.v }}'}}}}
jobs:
  build: {outputs: {v: '${{ steps.s.outputs.v }}'}, steps: [{id: s, run: 'b ${{ inputs.level }}'}]}
  check: {needs: build, steps: [{run: c}]}
)";

std::string action(const std::string& run) {
  return "on: workflow_call\njobs: {a: {steps: [{run: " + run + "}]}}";
}

}  // namespace

TEST_CASE("jobs of a used pipeline stand in place of the one that uses it") {
  const FlatPipeline flat = flatten({{"d/main.yml", R"(
on: push
jobs:
  after: {needs: call, steps: [{run: 'echo ${{ needs.call.outputs.version }}'}]}
  call: {needs: before, if: github.ref == 'x', uses: ./leaf.yml, with: {level: 3}}
  before: {steps: [{run: x}]}
)"},
                                     {"d/leaf.yml", kLeaf}});
  CHECK(ids(flat) == "before call/build call/check after");
  const FlatJob& check = flat.jobs[2];
  CHECK(check.scope == 1);
  REQUIRE(check.gates.size() == 2);
  CHECK(check.gates[0]->condition == "github.ref == 'x'");
  CHECK(ids(flat, check.gates[0]->needs.at(0)->jobs) == "before");
  CHECK(check.gates[0]->scope == 0);
  CHECK(check.gates[1]->needs.at(0)->name == "build");
  CHECK(ids(flat, check.gates[1]->needs.at(0)->jobs) == "call/build");
  const FlatNeed& need = *flat.jobs[3].gates.at(0)->needs.at(0);
  CHECK(need.name == "call");
  CHECK(ids(flat, need.jobs) == "before call/build call/check");
  CHECK(need.called.size() == 2);
  CHECK(need.outputs.at("version") == "${{ jobs.build.outputs.v }}");
  CHECK(need.scope == 1);
  CHECK(flat.scopes.at(1).arguments.at(0).text == "3");
}

TEST_CASE("what is used a second time runs once, unless it differs") {
  const std::string main = R"(
on: push
jobs:
  a: {uses: ./leaf.yml, with: {level: 1}}
  b: {needs: x, uses: ./leaf.yml, with: {level: 1}}
  c: {uses: ./leaf.yml, with: {level: 2}}
  d: {needs: b, steps: [{run: d}]}
  x: {steps: [{run: x}]}
)";
  const FlatPipeline flat = flatten({{"d/main.yml", main}, {"d/leaf.yml", kLeaf}});
  CHECK(ids(flat) == "a/build a/check x c/build c/check d");
  const FlatNeed& need = *flat.jobs.back().gates.at(0)->needs.at(0);
  CHECK(need.name == "b");
  CHECK(ids(flat, need.jobs) == "a/build a/check x");
}

TEST_CASE("steps of used pipelines stand in place, depth first, and each runs once") {
  const FlatPipeline flat = flatten({{"d/main.yml", R"(
on: push
jobs:
  j: {steps: [{uses: ./c.yml}, {uses: ./a.yml}, {run: own}, {uses: ./b.yml},
              {uses: ./a.yml, if: always()}]}
)"},
                                     {"d/a.yml", action("a")},
                                     {"d/b.yml", action("b")},
                                     {"d/c.yml", R"(
on: workflow_call
jobs: {a: {steps: [{uses: ./b.yml}, {run: c}, {uses: ./a.yml}]}}
)"}});
  CHECK(runs(flat.jobs.at(0)) == "b c a own a");
  CHECK(flat.jobs[0].step_scopes.size() == 4);
  CHECK(flat.jobs[0].job.steps[4].spec.condition == "(always()) && success()");
}

TEST_CASE("names of a used pipeline's steps are kept apart") {
  const FlatPipeline flat = flatten({{"d/main.yml", R"(
on: push
jobs:
  j: {steps: [{id: s, run: own}, {uses: ./a.yml, with: {x: 1}, if: steps.s.outcome == 'success',
               env: {E: outer}, continue-on-error: true}, {run: '${{ steps.s.outputs.o }}'}]}
)"},
                                     {"d/a.yml", R"(
on: {workflow_call: {inputs: {x: {type: number}}}}
env: {E: '${{ inputs.x }}', F: '${{ inputs.x }}'}
jobs:
  a:
    steps:
      - {id: s, run: 'r ${{ inputs.x }}', env: {G: g}}
      - {run: "${{ steps.s.outputs.o }}${{ steps['s'].outcome }}", if: inputs.x > 0}
)"}});
  const auto& steps = flat.jobs.at(0).job.steps;
  REQUIRE(steps.size() == 4);
  CHECK(steps[1].spec.id == "c1_s");
  CHECK(steps[1].spec.run == "r ${{ calls.c1.x }}");
  CHECK(steps[1].spec.env == TextMap{{"E", "outer"}, {"F", "${{ calls.c1.x }}"}, {"G", "g"}});
  CHECK(steps[1].spec.condition == "success() && (steps.s.outcome == 'success') && success()");
  CHECK(steps[1].continue_on_error == "true");
  CHECK(steps[2].spec.run == "${{ steps.c1_s.outputs.o }}${{ steps['c1_s'].outcome }}");
  CHECK(steps[2].spec.condition ==
        "success() && (steps.s.outcome == 'success') && success() && (calls.c1.x > 0)");
  CHECK(steps[3].spec.run == "${{ steps.s.outputs.o }}");
}

TEST_CASE("pipelines that use each other are told with the chain") {
  const auto uses = [](const std::string& file) {
    return "on: [push, workflow_call]\njobs: {j: {uses: ./" + file + "}}";
  };
  const std::string all = wrong({{"d/main.yml", uses("a.yml")}, {"d/a.yml", uses("main.yml")}});
  CHECK(says(all,
             "d/a.yml:2:18: uses: pipelines that use each other, "
             "main.yml → a.yml → main.yml, expected no circle"));
  Files deep = {{"d/main.yml", uses("p0.yml")}};
  for (int i = 0; i < 20; ++i) {
    deep["d/p" + std::to_string(i) + ".yml"] = uses("p" + std::to_string(i + 1) + ".yml");
  }
  CHECK(says(wrong(deep), "too many pipelines use each other, expected at most 10 levels"));
}

TEST_CASE("pipelines that use each other more and more often are bounded") {
  const auto often = [](const std::string& file, const std::string& keys) {
    std::string text = "on: [push, workflow_call]\njobs:\n";
    for (int i = 0; i < 200; ++i) {
      const std::string no = std::to_string(i);
      text += "  j" + no + ": {" + (i == 0 ? "" : "needs: [j" + std::to_string(i - 1) + "], ");
      text += "uses: ./" + file + keys + "}\n";
    }
    return text;
  };
  const std::string leaf = "on: workflow_call\njobs: {l: {steps: [{run: x}]}}";
  const std::string always = ", if: always()";
  CHECK(says(wrong({{"d/main.yml", often("a.yml", always)},
                    {"d/a.yml", often("b.yml", always)},
                    {"d/b.yml", leaf}}),
             "at most 10 levels and 256 uses"));
  CHECK(says(wrong({{"d/main.yml", often("a.yml", always)},
                    {"d/a.yml", often("b.yml", "")},
                    {"d/b.yml", leaf}}),
             "uses"));
  Files good = {
      {"d/main.yml", often("a.yml", "")}, {"d/a.yml", often("b.yml", "")}, {"d/b.yml", leaf}};
  CHECK(ids(flatten(good)) == "j0/j0/l");
  std::string jobs = "on: workflow_call\njobs:\n";
  for (int i = 0; i < 40; ++i) {
    jobs += "  l" + std::to_string(i) + ": {steps: [{run: x}]}\n";
  }
  CHECK(says(wrong({{"d/main.yml", often("a.yml", always)}, {"d/a.yml", jobs}}),
             "at most 1000 jobs"));
}

TEST_CASE("what a used pipeline takes is what it is given") {
  const auto call = [](const std::string& keys) {
    return wrong(
        {{"d/main.yml", "on: push\njobs: {j: {uses: ./a.yml" + keys + "}}"}, {"d/a.yml", R"(
on: {workflow_call: {inputs: {n: {type: number, required: true}, o: {type: choice,
     options: [x, y]}}, secrets: {S: {required: true}}}}
jobs: {a: {steps: [{run: '${{ secrets.S }}'}]}}
)"}});
  };
  CHECK(says(call(""), "d/main.yml:2:18: with: a.yml requires `n`, expected a number"));
  CHECK(says(call(""), "secrets: a.yml requires the secret `S`"));
  CHECK(says(call(", with: {n: x}"), "with.n: `x`, expected a number"));
  CHECK(says(call(", with: {n: 1, o: z}"), "with.o: `z`, expected one of x, y"));
  CHECK(says(call(", with: {n: 1, oo: x}"), "with.oo: a.yml has no such input"));
  CHECK(says(call(", secrets: {S: '${{ secrets.T }}', U: '${{ secrets.T }}'}"),
             "secrets.U: a.yml takes no such secret"));
  CHECK_FALSE(says(call(", with: {n: $N}"), "with.n"));
  CHECK_FALSE(says(call(", with: {n: '${{ github.run }}'}"), "with.n"));
  CHECK(says(call(", with: {n: '${{ needs.x.outputs.y }}'}"), "`needs` is not known here"));
}

TEST_CASE("what cannot be used says why") {
  const std::string main = "on: push\njobs: {j: {uses: ./a.yml}}";
  CHECK(says(wrong({{"d/main.yml", main}}), "uses: reading d/a.yml: no"));
  CHECK(says(wrong({}), "d/main.yml: reading d/main.yml: no"));
  CHECK(says(wrong({{"d/main.yml", main}, {"d/a.yml", "on: push\njobs: {j: {steps: [{run: x}]}}"}}),
             "a.yml is not there to be used, expected `workflow_call` in its `on`"));
  CHECK(says(wrong({{"d/main.yml", main}, {"d/a.yml", "on: workflow_call\njobs: none"}}),
             "d/a.yml:2:7: jobs"));
  CHECK(says(
      wrong({{"d/main.yml", main},
             {"d/a.yml", "on: workflow_call\njobs: {j: {steps: [{run: '${{ secrets.S }}'}]}}"}}),
      "a.yml requires the secret `S`"));
  const std::string step = "on: push\njobs: {j: {steps: [{uses: ./a.yml}]}}";
  CHECK(says(wrong({{"d/main.yml", step}, {"d/a.yml", kLeaf}}), "uses: a.yml has 2 jobs"));
  CHECK(says(wrong({{"d/main.yml", step},
                    {"d/a.yml",
                     "on: workflow_call\njobs: {j: {strategy: {matrix: {a: [1]}}, "
                     "steps: [{run: x}]}}"}}),
             "uses: a.yml has a matrix"));
}

TEST_CASE("conditions and flags are joined") {
  CHECK(both_conditions("", "x") == "x");
  CHECK(both_conditions("a || b", "") == "success() && (a || b) && success()");
  CHECK(both_conditions("${{ failure() }}", "always()") == "( failure() ) && (always())");
  CHECK(either_flag("", "").empty());
  CHECK(either_flag("true", "${{ x }}") == "true");
  CHECK(either_flag("false", "${{ x }}") == "${{ x }}");
  CHECK(either_flag("${{ x }}", "${{ y }}") == "${{ ( x ) || ( y ) }}");
}
