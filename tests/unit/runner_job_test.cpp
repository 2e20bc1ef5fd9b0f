// What the runner is given: specs, expressions, and what steps leave for each other.
#include <doctest/doctest.h>

#include <string>

#include "agent/runner/job/job.h"
#include "agent/runner/job/job_context.h"
#include "agent/runner/job/plain_conditions.h"
#include "agent/runner/job/step_words.h"

namespace fieldpost::test {
namespace {

using namespace agent::runner;  // NOLINT: what is tested

const std::string kId = "0123456789abcdef0123456789abcdef";
const std::string kCommit = "0123456789abcdef0123456789abcdef01234567";

/// A spec with these members beside the ones that it must have.
std::string spec(const std::string& more) {
  return R"({"job":")" + kId + R"(","fence":7,"steps":[{"run":"make"}])" +
         (more.empty() ? "" : "," + more) + "}";
}

std::string refusal(const std::string& json) {
  const auto job = parse_job(json);
  return job ? "no error" : job.error().message;
}

TEST_CASE("a spec is read with all that it says") {
  const auto job = parse_job(R"x({"job":")x" + kId + R"x(","fence":7,"build":12,"pipeline":"deb",
    "name":"build (armhf)","source":{"repository":"https://e.example/r.git","commit":")x" +
                             kCommit + R"x(","ref":"refs/heads/main"},
    "env":{"A":"1","N":2,"B":true},"secrets":{"TOKEN":"hunter22"},"context":{"matrix":{"a":1}},
    "steps":[{"id":"one","name":"One","if":"always()","run":"make","env":{"C":"3"},
              "working_directory":"src","continue_on_error":true,"timeout_s":60}],
    "timeout_s":100,"silence_timeout_s":10,"memory_max":67108864,"pids_max":50,"cpu_percent":150,
    "network":true,"outputs":{"deb":"${{ steps.one.outputs.deb }}"},
    "artifacts":[{"name":"deb","paths":["*.deb"],"if":"always()"}],
    "cache":[{"key":"k","paths":["~/.ccache"],"restore_keys":["k-"]}],"later":"passed over"})x");
  REQUIRE(job.has_value());
  CHECK(job->id == kId);
  CHECK(job->fence == 7);
  CHECK(job->build == "12");
  CHECK(job->source.commit == kCommit);
  CHECK(job->env == Pairs{{"A", "1"}, {"B", "true"}, {"N", "2"}});
  CHECK(job->secrets == Pairs{{"TOKEN", "hunter22"}});
  CHECK(job->context == R"({"matrix":{"a":1}})");
  REQUIRE(job->steps.size() == 1);
  CHECK(job->steps[0].condition == "always()");
  CHECK(job->steps[0].continue_on_error);
  CHECK(job->steps[0].timeout == rt::Seconds{60});
  CHECK(job->timeout == rt::Seconds{100});
  CHECK(job->silence_timeout == rt::Seconds{10});
  CHECK(job->limits.memory_max == 67108864);
  CHECK(job->limits.cpu_percent == 150);
  CHECK(job->network);
  REQUIRE(job->artifacts.size() == 1);
  CHECK(job->artifacts[0].paths == std::vector<std::string>{"*.deb"});
  REQUIRE(job->caches.size() == 1);
  CHECK(job->caches[0].restore_keys == std::vector<std::string>{"k-"});
}

TEST_CASE("what a spec leaves out has its preset, and null counts as left out") {
  const auto job = parse_job(spec(R"("source":null,"timeout_s":0)"));
  REQUIRE(job.has_value());
  CHECK(job->source.repository.empty());
  CHECK(job->timeout == kTimeoutPreset);
  CHECK_FALSE(job->network);
  CHECK(job->context == "{}");
}

TEST_CASE("a spec that is wrong is refused by key, with what was expected") {
  CHECK(refusal("[]") == "job spec: expected a JSON object");
  CHECK(refusal(std::string(200, '[')) == "job spec: it nests too deep");
  CHECK(refusal(std::string(kSpecBytesMax + 1, ' ')) == "job spec: it has more than 1048576 bytes");
  CHECK(refusal(R"({"job":"x","fence":1,"steps":[{"run":"a"}]})") ==
        "job spec: job: expected 32 lower-case hex digits");
  CHECK(refusal(R"({"job":")" + kId + R"(","steps":[{"run":"a"}]})")
            .starts_with("job spec: fence: expected a whole number from 0 to "));
  CHECK(refusal(R"({"job":")" + kId + R"(","fence":1})") ==
        "job spec: steps: expected at least one");
  CHECK(refusal(R"({"job":")" + kId + R"(","fence":1,"steps":[{"run":"a"},{"name":"b"}]})") ==
        "job spec: steps[1].run: expected text of 1 to 262144 bytes without zeros");
  CHECK(refusal(spec(R"("secrets":{"PIN":"123"})")) ==
        "job spec: secrets.PIN: expected at least 4 bytes");
  CHECK(refusal(spec(R"("env":{"A-B":"1"})")) ==
        "job spec: env: expected names of [A-Za-z_][A-Za-z0-9_]*");
  CHECK(refusal(spec(R"("network":1)")) == "job spec: network: expected true or false");
  CHECK(refusal(spec(R"("memory_max":1000)")) ==
        "job spec: memory_max: expected 0, or at least 16777216 bytes");
  CHECK(refusal(spec(R"("timeout_s":604801)")) ==
        "job spec: timeout_s: expected a whole number from 0 to 604800");
  CHECK(refusal(spec(R"("artifacts":[{"name":"../x","paths":["a"]}])")) ==
        "job spec: artifacts[0].name: expected a name of [A-Za-z0-9._-], no dot first");
  CHECK(refusal(spec(R"("artifacts":[{"name":"x","paths":["a/../../b"]}])")) ==
        "job spec: artifacts[0].paths: expected patterns in the workspace: relative, without ..");
  CHECK(refusal(spec(R"("artifacts":[{"name":"x","paths":["a"]},{"name":"x","paths":["b"]}])")) ==
        "job spec: artifacts[1].name: expected one that no other artifact has");
  CHECK(refusal(spec(R"("cache":[{"key":"k","paths":["/etc"]}])")) ==
        "job spec: cache[0].paths: expected paths in the workspace, or ~/ and a path");
  CHECK(refusal(spec(R"("source":{"repository":"--upload-pack=x","commit":")" + kCommit + "\"}")) ==
        "job spec: source.repository: expected a URL");
  CHECK(refusal(spec(R"("source":{"repository":"https://e.example/r","commit":"main"})")) ==
        "job spec: source.commit: expected 40 or 64 lower-case hex digits");
}

TEST_CASE("only the first thing that is wrong is told") {
  CHECK(refusal(R"({"job":"x","fence":"y","steps":3})") ==
        "job spec: job: expected 32 lower-case hex digits");
}

bool is_true(const std::string& text, const ExpressionContext& context = {}) {
  const auto value = PlainConditions().is_true(text, context);
  INFO(text);
  REQUIRE(value.has_value());
  return *value;
}

TEST_CASE("conditions know how things stand, and what names say") {
  ExpressionContext context;
  context.json = R"({"steps":{"a":{"outputs":{"x":"1","none":""}}},"n":3})";
  CHECK(is_true("success()", context));
  CHECK(is_true("always() && !failure()", context));
  CHECK(is_true("${{ steps.a.outputs.x == '1' }}", context));
  CHECK(is_true("steps.a.outputs.x != '2' && n == 3", context));
  CHECK_FALSE(is_true("steps.a.outputs.none", context));
  CHECK_FALSE(is_true("steps.b.outputs.x", context));
  CHECK(is_true("(false || 'a') && true", context));
  CHECK(is_true("'it''s' == 'it''s'", context));
  context.failed = true;
  CHECK_FALSE(is_true("success()", context));
  CHECK(is_true("failure()", context));
  context.failed = false;
  context.cancelled = true;
  CHECK_FALSE(is_true("success() || failure()", context));
  CHECK(is_true("cancelled()", context));
}

TEST_CASE("texts are interpolated, and what is no expression is refused with its place") {
  ExpressionContext context;
  context.json = R"({"a":{"b":"x"},"list":[1,2]})";
  const PlainConditions conditions;
  CHECK(conditions.interpolate("1 ${{ a.b }} 2 ${{a.c}}${{ list }}", context).value() ==
        "1 x 2 [1,2]");
  CHECK(conditions.interpolate("plain }} text", context).value() == "plain }} text");
  CHECK(conditions.interpolate("${{ a.b", context).error().message ==
        "an expression that begins with ${{ has no }}");
  CHECK(conditions.is_true("success(", context).error().message ==
        "expression \"success(\", character 9: expected \")\": functions take nothing");
  CHECK(conditions.is_true("a b", context).error().message ==
        "expression \"a b\", character 3: expected an operator or the end");
  CHECK(conditions.is_true(std::string(100, '!') + "a", context).error().code ==
        rt::Errc::kInvalid);
  CHECK(conditions.is_true("hash()", context).error().code == rt::Errc::kInvalid);
}

TEST_CASE("a condition without a word on how things stand wants that nothing failed") {
  const PlainConditions conditions;
  ExpressionContext failed;
  failed.failed = true;
  CHECK(is_wanted(conditions, " ", {}).value());
  CHECK_FALSE(is_wanted(conditions, "", failed).value());
  CHECK_FALSE(is_wanted(conditions, "true", failed).value());
  CHECK(is_wanted(conditions, "always()", failed).value());
  CHECK(is_wanted(conditions, "failure() && true", failed).value());
}

TEST_CASE("steps are seen by those after them") {
  Job job;
  job.context = R"({"github":{"ref":"r"}})";
  job.secrets = {{"TOKEN", "hunter22"}};
  JobContext context(job);
  context.add_step("a", Verdict::kFailed, true, {{"x", "1"}});
  context.skip_step("b");
  const ExpressionContext seen = context.expressions(Verdict::kFailed, {{"E", "e"}});
  CHECK(PlainConditions()
            .interpolate("${{ github.ref }} ${{ secrets.TOKEN }} ${{ steps.a.outputs.x }} "
                         "${{ steps.a.outcome }} ${{ steps.a.conclusion }} "
                         "${{ steps.b.outcome }} ${{ env.E }} ${{ job.status }}",
                         seen)
            .value() == "r hunter22 1 failure success skipped e failure");
  CHECK(seen.failed);
  CHECK_FALSE(seen.cancelled);
}

TEST_CASE("values come on a line, or on lines up to a delimiter") {
  const auto values =
      parse_step_values("a=1\r\nb=x=y\n\nc<<END\nfirst\n\nsecond=2\nEND\nd=\nweird=a<<b\n");
  REQUIRE(values.has_value());
  CHECK(*values ==
        Pairs{{"a", "1"}, {"b", "x=y"}, {"c", "first\n\nsecond=2"}, {"d", ""}, {"weird", "a<<b"}});
  CHECK(parse_step_values("").value().empty());
}

TEST_CASE("values that are none are refused by line") {
  CHECK(parse_step_values("a=1\nnonsense\n").error().message ==
        "line 2: expected name=value or name<<DELIMITER");
  CHECK(parse_step_values("=1").error().message ==
        "line 1: expected name=value or name<<DELIMITER");
  CHECK(parse_step_values("a<<END\nx\n").error().message ==
        "line 2: expected \"END\", where the value ends, before the file does");
  CHECK(parse_step_values(std::string("a=\0", 3)).error().message == "line 1: expected no zeros");
  std::string many;
  for (std::size_t i = 0; i <= kStepWordsMax; ++i) many += "a=1\n";
  CHECK(parse_step_values(many).error().message == "line 1025: expected at most 1024 values");
}

TEST_CASE("directories for PATH come a line each, and hold no colon") {
  CHECK(parse_step_paths("/a\n\n/b").value() == std::vector<std::string>{"/a", "/b"});
  CHECK(parse_step_paths("/a:/b").error().message ==
        "line 1: expected a directory without colons and zeros");
}

}  // namespace
}  // namespace fieldpost::test
