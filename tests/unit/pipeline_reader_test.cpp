#include <doctest/doctest.h>

#include <string>

#include "coordinator/pipelines/cron_text.h"
#include "coordinator/pipelines/pipeline.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT
using pipeline::Verdict;

namespace {

Pipeline read(const std::string& text) {
  Problems problems;
  auto out = read_pipeline("p.yml", text, problems);
  for (const Problem& each : problems.all()) FAIL_CHECK(to_string(each));
  REQUIRE(out.has_value());
  return *std::move(out);
}

/// Everything that is wrong, a line each.
std::string wrong(const std::string& text) {
  Problems problems;
  CHECK_FALSE(read_pipeline("p.yml", text, problems).has_value());
  std::string all;
  for (const Problem& each : problems.all()) all += to_string(each) + "\n";
  return all;
}

/// A job of which `keys` are the only interesting ones, each line indented by four.
std::string job(const std::string& keys) {
  return "on: push\njobs:\n  j:\n    steps: [{run: x}]\n" + keys;
}

bool says(const std::string& text, const std::string& part) {
  INFO(text);
  INFO(part);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("events stand alone, in a list or with their filters") {
  CHECK(read("on: push\njobs: {j: {steps: [{run: x}]}}").on.push.has_value());
  const auto two = read("on: [push, workflow_dispatch]\njobs: {j: {steps: [{run: x}]}}").on;
  CHECK(two.push.has_value());
  CHECK(two.by_hand);
  const auto filtered = read(R"(
on:
  push: {branches: [main, 'release/**'], tags: v*, paths-ignore: [docs/**]}
  pull_request:
jobs: {j: {steps: [{run: x}]}}
)")
                            .on;
  CHECK(filtered.push->branches.size() == 2);
  CHECK(filtered.push->tags == std::vector<std::string>{"v*"});
  CHECK(filtered.push->paths_ignore.size() == 1);
  CHECK(filtered.pull_request.has_value());
}

TEST_CASE("schedules, inputs and other pipelines begin builds") {
  const auto on = read(R"(
name: nightly
on:
  schedule:
    - {cron: '0 3 * * mon-fri', timezone: Europe/Berlin, missed: run_all, max: 3, grace: 5m}
    - cron: '*/5 * * * *'
  workflow_dispatch:
    inputs:
      level: {type: choice, options: [low, high], default: low}
      count: {type: number, required: true, description: how many}
      path: {default: $DB_PATH}
  pipeline: {name: tests, verdict: [failed, timed_out]}
jobs: {j: {steps: [{run: 'echo ${{ inputs.level }}'}]}}
)")
                      .on;
  REQUIRE(on.schedules.size() == 2);
  CHECK(on.schedules[0].missed == Missed::kRunAll);
  CHECK(on.schedules[0].missed_max == 3);
  CHECK(on.schedules[0].grace == std::chrono::minutes(5));
  CHECK(on.schedules[1].timezone == "UTC");
  CHECK(on.schedules[1].missed == Missed::kSkip);
  REQUIRE(on.dispatch_inputs.size() == 3);
  CHECK(on.dispatch_inputs[0].options.size() == 2);
  CHECK(on.dispatch_inputs[1].required);
  REQUIRE(on.pipelines.size() == 1);
  CHECK(on.pipelines[0].verdicts == std::vector{Verdict::kFailed, Verdict::kTimedOut});
}

TEST_CASE("a job is read with everything it may say") {
  const Pipeline pipeline = read(R"(
name: all
on: push
env: {A: 1, B: top}
defaults: {run: {working-directory: src}}
concurrency: {group: 'x-${{ github.ref }}', cancel-in-progress: true}
jobs:
  last:
    needs: first
    if: needs.first.outputs.v == '1' && always()
    steps: [{run: 'echo ${{ needs.first.outputs.v }}'}]
  first:
    name: First
    runs-on: [linux, '${{ matrix.arch }}']
    strategy: {matrix: {arch: [arm, x86]}, fail-fast: false, max-parallel: 1}
    env: {B: own}
    timeout-minutes: 1.5
    silence-timeout: 10m
    memory-max: 1GiB
    pids-max: 64
    cpu-percent: 150
    network: false
    mode: strict
    priority: -5
    continue-on-error: ${{ matrix.arch == 'arm' }}
    retry: {max: 2, on: [agent_lost], backoff: 30s}
    artifacts: {name: out, path: "a/*\nb"}
    cache: [{key: "k-${{ hashFiles('lock') }}", path: ~/.cache, restore-keys: k-}]
    outputs: {v: '${{ steps.one.outputs.v }}'}
    steps:
      - {id: one, run: make, env: {TOKEN: '${{ secrets.TOKEN }}'}}
      - {name: two, if: failure(), run: x, working-directory: y, continue-on-error: true,
         timeout-minutes: 2}
)");
  CHECK(pipeline.concurrency_group == "x-${{ github.ref }}");
  CHECK(pipeline.cancel_in_progress == "true");
  REQUIRE(pipeline.jobs.size() == 2);
  const Job& first = pipeline.jobs[0];
  CHECK(first.id == "first");
  CHECK(pipeline.jobs[1].needs == std::vector<std::string>{"first"});
  CHECK(first.labels.size() == 2);
  CHECK(first.matrix.axes.size() == 1);
  CHECK_FALSE(first.fail_fast);
  CHECK(first.parallel_max == 1);
  CHECK(first.env == TextMap{{"A", "1"}, {"B", "own"}});
  CHECK(first.timeout_s == 90);
  CHECK(first.silence_timeout_s == 600);
  CHECK(first.memory_max == 1u << 30U);
  CHECK(first.pids_max == 64);
  CHECK(first.cpu_percent == 150);
  CHECK_FALSE(first.network);
  CHECK(first.mode == pipeline::BuildMode::kStrict);
  CHECK(first.priority == -5);
  CHECK(first.retry.count_max == 2);
  CHECK(first.retry.verdicts == std::vector{Verdict::kAgentLost});
  CHECK(first.artifacts.at(0).paths == std::vector<std::string>{"a/*", "b"});
  CHECK(first.cache.at(0).restore_keys == std::vector<std::string>{"k-"});
  CHECK(first.secrets == std::set<std::string>{"TOKEN"});
  REQUIRE(first.steps.size() == 2);
  CHECK(first.steps[0].spec.working_directory == "src");
  CHECK(first.steps[1].spec.working_directory == "y");
  CHECK(first.steps[1].spec.timeout_s == 120);
}

TEST_CASE("an unknown key is told with its place and the nearest known one") {
  CHECK(wrong(job("    run-on: linux\n"))
            .find("p.yml:5:5: jobs.j.run-on: nothing has this name here (did you mean `runs-on`?), "
                  "expected one of name, ") == 0);
  CHECK(says(wrong("true: push\njobs: {j: {steps: [{run: x}]}}"), "it was `on` before"));
  CHECK(says(wrong("on: pussh\njobs: {j: {steps: [{run: x}]}}"), "did you mean `push`?"));
  CHECK(says(wrong("on: push\njobs: {j: {steps: [{run: x, shell: sh}]}}"), "jobs.j.steps.0.shell"));
}

TEST_CASE("all problems of a file are told, in order") {
  const std::string all = wrong(R"(on: push
jobs:
  a:
    needs: c
    timeout-minutes: never
    steps: [{id: x}]
  b:
    needs: b
    steps: none
)");
  CHECK(says(all, "p.yml:6:13: jobs.a.steps.0.run: it is missing, expected commands, or `uses`"));
  CHECK(says(all, "p.yml:5:22: jobs.a.timeout-minutes: `never`, expected a number of minutes"));
  CHECK(says(all, "p.yml:9:12: jobs.b.steps: `none`, expected a list of 1 to 256 steps"));
  CHECK(says(all, "p.yml:3:3: jobs.a.needs: there is no job `c`"));
  CHECK(says(all, "jobs.b.needs: jobs that need each other, b → b"));
}

TEST_CASE("values that cannot be are problems") {
  CHECK(says(wrong(job("    memory-max: 12\n")), "memory-max: `12`, expected a size"));
  CHECK(says(wrong(job("    silence-timeout: 5\n")), "expected a duration such as 90s"));
  CHECK(says(wrong(job("    network: off\n")), "network: `off`, expected true or false"));
  CHECK(says(wrong(job("    mode: wipe\n")), "expected update, strict or force"));
  CHECK(says(wrong(job("    priority: 101\n")), "expected an integer from -100 to 100"));
  CHECK(says(wrong(job("    continue-on-error: maybe\n")), "expected true, false or ${{ … }}"));
  CHECK(says(wrong(job("    retry: {on: passed}\n")), "jobs.j.retry.max: it is missing"));
  CHECK(says(wrong(job("    retry: {max: 1, on: cancelled}\n")), "expected failures: failed"));
  CHECK(says(wrong(job("    artifacts: {name: a/b, path: x}\n")), "expected a name without /"));
  CHECK(says(wrong(job("    artifacts: {name: a, path: ../x}\n")), "paths in the workspace"));
  CHECK(says(wrong(job("    artifacts: [{name: a, path: x}, {name: a, path: y}]\n")),
             "no other artifact"));
  CHECK(says(wrong(job("    cache: {path: x}\n")), "jobs.j.cache.key: it is missing"));
  CHECK(says(wrong(job("    runs-on: []\n")), "expected labels"));
  CHECK(says(wrong(job("    env: {1A: x}\n")), "a variable named `1A`"));
  CHECK(says(wrong(job("    env: {A: [x]}\n")), "jobs.j.env.A: a list"));
  CHECK(says(wrong(job("    with: {a: b}\n")), "it beside `uses` only"));
  CHECK(says(wrong("on: push\njobs: {j: {uses: actions/checkout@v4}}"),
             "expected the file of a pipeline in the same directory"));
  CHECK(says(wrong("on: push\njobs: {j: {uses: ./a.yml, secrets: {A: plain}}}"),
             "`inherit`, or names with"));
  CHECK(says(wrong("on: push\njobs: {j: {uses: ./a.yml, steps: []}}"), "jobs.j.steps"));
  CHECK(says(wrong("on: push\njobs: {1j: {steps: [{run: x}]}}"), "jobs.1j: this id"));
  CHECK(says(wrong("on: push\njobs: {}"), "jobs: a mapping, expected a mapping of 1 to 256"));
  CHECK(says(wrong("on: push"), "jobs: it is missing"));
  CHECK(says(wrong("jobs: {j: {steps: [{run: x}]}}"), "on: it is missing"));
  CHECK(says(wrong("[]"), "p.yml:1:1: a list, expected a mapping"));
  CHECK(says(wrong(job("    strategy: {matrix: {a: x}}\n")), "matrix.a: `x`, expected a list"));
  CHECK(says(wrong(job("    strategy: {matrix: {a: ['${{ github.ref }}']}}\n")),
             "an expression in a matrix"));
  CHECK(says(wrong(job("    strategy: {matrix: {a: [1], exclude: [{b: 1}]}}\n")), "`b` is none"));
  CHECK(says(wrong("on: push\njobs: {j: {steps: [{id: a, run: x}, {id: a, run: y}]}}"),
             "one that no other step has"));
}

TEST_CASE("a matrix that is too large is refused") {
  std::string values = "[";
  for (int i = 0; i < 17; ++i) values += std::to_string(i) + ",";
  values += "17]";
  CHECK(says(wrong(job("    strategy: {matrix: {a: " + values + ", b: " + values + "}}\n")),
             "jobs.j.strategy.matrix: too many legs, expected at most 256"));
}

TEST_CASE("triggers that cannot be are problems") {
  const auto on = [](const std::string& text) {
    return wrong("on:\n  " + text + "\njobs: {j: {steps: [{run: x}]}}");
  };
  CHECK(says(on("push: {branches: [a], branches-ignore: [b]}"), "on.push.branches-ignore"));
  CHECK(says(on("push: {branches: []}"), "at least one pattern"));
  CHECK(says(on("pull_request: {tags: [a]}"), "on.pull_request.tags: nothing has this name"));
  CHECK(says(on("schedule: {cron: '61 * * * *'}"), "a minute from 0 to 59 in place of `61`"));
  CHECK(says(on("schedule: [{timezone: UTC}]"), "on.schedule.0.cron: it is missing"));
  CHECK(says(on("schedule: {cron: '0 0 * * *', timezone: 'a b'}"), "name of a time zone"));
  CHECK(says(on("schedule: {cron: '0 0 * * *', missed: all}"), "skip, run_once or run_all"));
  CHECK(says(on("schedule: {cron: '0 0 * * *', missed: run_all}"), "on.schedule.max"));
  CHECK(says(on("schedule: {cron: '0 0 * * *', max: 2}"), "on.schedule.max"));
  CHECK(says(on("workflow_dispatch: {inputs: {a: {type: text}}}"), "string, boolean, number"));
  CHECK(says(on("workflow_dispatch: {inputs: {a: {type: choice}}}"), "at least one option"));
  CHECK(says(on("workflow_dispatch: {inputs: {a: {options: [x]}}}"), "`type: choice` only"));
  CHECK(says(on("workflow_dispatch: {inputs: {a: {type: number, default: x}}}"),
             "inputs.a.default: `x`, expected a number"));
  CHECK(says(on("workflow_dispatch: {inputs: {'a b': }}"), "inputs.a b: this name"));
  CHECK(says(on("pipeline: {verdict: good}"), "on.pipeline.name: it is missing"));
  CHECK(says(on("pipeline: {name: x, verdict: good}"), "expected verdicts such as"));
  CHECK(says(on("workflow_call: {outputs: {a: {}}}"), "on.workflow_call.outputs.a.value"));
}

TEST_CASE("expressions are looked at before anything runs") {
  const auto run = [](const std::string& text) {
    return wrong("on: push\njobs:\n  j:\n    steps:\n      - run: \"" + text + "\"\n");
  };
  CHECK(says(run("${{ a == }}"), "p.yml:5:14: jobs.j.steps.0.run: ` a == `: column 7: "));
  CHECK(says(run("${{ github.ref"), "a ${{ without its }}"));
  CHECK(says(run("${{ needs.other.result }}"), "there is no `other` in `needs`"));
  CHECK(says(run("${{ matrix.os }}"), "there is no `os` in `matrix`, expected nothing"));
  CHECK(says(run("${{ inputs.x }}"), "there is no `x` in `inputs`"));
  CHECK(says(run("${{ steps.later.outputs.x }}"), "there is no `later` in `steps`"));
  CHECK(says(run("${{ githubb.ref }}"), "`githubb` is not known here (did you mean `github`?)"));
  CHECK(says(run("${{ success() }}"), "`success()` asks how it went, expected it in an `if`"));
  CHECK(says(run("${{ toJSON(secrets) }}"), "`secrets` without the name of one"));
  CHECK(says(wrong(job("    if: steps.x.outcome\n")), "jobs.j.if: `steps` is not known here"));
  CHECK(says(wrong(job("    if: ${{ github.ref }} == 'x'\n")), "always true"));
  CHECK(says(wrong(job("    name: ${{ hashFiles('x') }}\n")), "needs the files of a workspace"));
  CHECK(says(wrong(job("    runs-on: ${{ needs.a.outputs.b }}\n")), "`needs` is not known here"));
  CHECK(says(wrong("on: push\nenv: {A: '${{ matrix.x }}'}\njobs: {j: {steps: [{run: x}]}}"),
             "env.A: `matrix` is not known here"));
}

TEST_CASE("fields of cron have their numbers, names, ranges, lists and steps") {
  for (const char* good : {"* * * * *", "0 0 1 1 0", "*/15 9-17 * jan,JUL mon-fri",
                           "5/10 * 31 12 7", " 0  3 * * SUN "}) {
    INFO(good);
    CHECK(what_is_wrong_with_cron(good).empty());
  }
  for (const char* bad : {"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *",
                          "* * * 13 *", "* * * * 8", "5-1 * * * *", "*/0 * * * *", "a * * * *",
                          "1,,2 * * * *", "1/2/3 * * * *", "1-2-3 * * * *", "*/60 * * * *"}) {
    INFO(bad);
    CHECK_FALSE(what_is_wrong_with_cron(bad).empty());
  }
}
