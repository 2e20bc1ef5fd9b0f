#include "proto/pipeline/expression.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "proto/pipeline/expression_text.h"

using namespace fieldpost;            // NOLINT
using namespace fieldpost::pipeline;  // NOLINT

namespace {

class FakeFunctions final : public Functions {
 public:
  [[nodiscard]] bool success() const override { return succeeds; }
  [[nodiscard]] bool failure() const override { return !succeeds; }
  [[nodiscard]] bool cancelled() const override { return false; }
  [[nodiscard]] rt::Result<std::string> hash_files(
      const std::vector<std::string>& patterns) const override {
    if (patterns.front() == "broken") return rt::Error{rt::Errc::kIo, "reading broken: no"};
    std::string all;
    for (const std::string& each : patterns) all += each + ";";
    return all;
  }
  bool succeeds = true;
};

const Json kContexts = Json::parse(R"({
  "github": {"ref": "refs/heads/main", "event": {"Number": 12, "labels":
             [{"name": "bug"}, {"name": "ui"}, {"color": "red"}]}},
  "matrix": {"os": "linux", "deep": [[1, 2], [3]]},
  "inputs": {"flag": true, "off": false, "empty": "", "list": ["A", "b"], "half": 1.5}
})");

/// The value as JSON, or what is wrong.
std::string value_of(const std::string& text, bool succeeds = true) {
  const auto expression = Expression::parse(text);
  if (!expression) return expression.error().message;
  FakeFunctions functions;
  functions.succeeds = succeeds;
  const auto value = expression->evaluate({kContexts, functions});
  return value ? value->dump() : value.error().message;
}

std::string text_with(const std::string& text) {
  const FakeFunctions functions;
  const auto out = interpolate(text, {kContexts, functions});
  return out ? *out : out.error().message;
}

bool decides(const std::string& condition, bool succeeds) {
  FakeFunctions functions;
  functions.succeeds = succeeds;
  const auto held = holds(condition, {kContexts, functions});
  REQUIRE(held);
  return *held;
}

}  // namespace

TEST_CASE("literals are those of GitHub's language") {
  CHECK(value_of("null") == "null");
  CHECK(value_of("true") == "true");
  CHECK(value_of("-2.5e1") == "-25.0");
  CHECK(value_of("0xff") == "255.0");
  CHECK(value_of("0o17") == "15.0");
  CHECK(value_of("'it''s'") == "\"it's\"");
  CHECK(value_of("''") == "\"\"");
}

TEST_CASE("operators bind as in GitHub's language") {
  CHECK(value_of("true || false && false") == "true");
  CHECK(value_of("(true || false) && false") == "false");
  CHECK(value_of("!false == true") == "true");
  CHECK(value_of("1 < 2 == true") == "true");
  CHECK(value_of("!!'a'") == "true");
  CHECK(value_of("1 == 1 && 'x'") == "\"x\"");
  CHECK(value_of("'' || 'other'") == "\"other\"");
  CHECK(value_of("0 || false") == "false");
}

TEST_CASE("values of different types are compared as numbers") {
  CHECK(value_of("1 == '1'") == "true");
  CHECK(value_of("'0xff' == 255") == "true");
  CHECK(value_of("null == 0") == "true");
  CHECK(value_of("true == 1") == "true");
  CHECK(value_of("'' == 0") == "true");
  CHECK(value_of("'abc' == 0") == "false");
  CHECK(value_of("'abc' != 0") == "true");
  CHECK(value_of("'abc' < 1 || 'abc' >= 1") == "false");
  CHECK(value_of("'ABC' == 'abc'") == "true");
  CHECK(value_of("'a' < 'B'") == "true");
  CHECK(value_of("'b' >= 'B'") == "true");
  CHECK(value_of("2 > '1' && 1 <= 1") == "true");
  CHECK(value_of("matrix == 'Object'") == "false");
  CHECK(value_of("matrix.deep[1] == fromJSON('[3]')") == "true");
}

TEST_CASE("members are reached by name, index and star, and what is missing is null") {
  CHECK(value_of("github.event.number") == "12");
  CHECK(value_of("GITHUB['EVENT'].Number") == "12");
  CHECK(value_of("github.nothing.at.all") == "null");
  CHECK(value_of("nothing") == "null");
  CHECK(value_of("inputs.list[1]") == "\"b\"");
  CHECK(value_of("inputs.list['0']") == "\"A\"");
  CHECK(value_of("inputs.list[2]") == "null");
  CHECK(value_of("inputs.list[-1]") == "null");
  CHECK(value_of("github.event.labels.*.name") == R"(["bug","ui"])");
  CHECK(value_of("github.event.labels[*].name") == R"(["bug","ui"])");
  CHECK(value_of("matrix.deep.*[0]") == "[1,3]");
  CHECK(value_of("matrix.deep.*.*") == "[1,2,3]");
  CHECK(value_of("inputs[matrix.os]") == "null");
}

TEST_CASE("functions do what GitHub's do") {
  CHECK(value_of("contains('Hello', 'LL')") == "true");
  CHECK(value_of("contains(inputs.list, 'a')") == "true");
  CHECK(value_of("contains(github.event.labels.*.name, 'ui')") == "true");
  CHECK(value_of("contains(matrix, 'os')") == "false");
  CHECK(value_of("startsWith(github.ref, 'REFS/')") == "true");
  CHECK(value_of("endsWith('main', 12)") == "false");
  CHECK(value_of("startsWith(matrix, 'O')") == "false");
  CHECK(value_of("format('{1} {{x}} {0}', 1, 'b')") == "\"b {x} 1\"");
  CHECK(value_of("join(inputs.list, '-')") == "\"A-b\"");
  CHECK(value_of("join(inputs.list)") == "\"A,b\"");
  CHECK(value_of("join('one')") == "\"one\"");
  CHECK(value_of("fromJSON('{\"a\": [1]}').a[0]") == "1");
  CHECK(value_of("toJSON(inputs.list)") == R"("[\n  \"A\",\n  \"b\"\n]")");
  CHECK(value_of("success() && !failure() && always() && !cancelled()") == "true");
  CHECK(value_of("SUCCESS()", false) == "false");
  CHECK(value_of("hashFiles('a', 'b')") == "\"a;b;\"");
}

TEST_CASE("what is not in the language is told with its column") {
  CHECK(value_of("") == "column 1: the expression ends, expected a value, a name or (");
  CHECK(value_of("1 +").find("column 3: ") == 0);
  CHECK(value_of("a = b") == "column 3: unexpected `=`, expected ==");
  CHECK(value_of("a & b") == "column 3: unexpected `&`, expected &&");
  CHECK(value_of("\"a\"").find("texts in single quotes") != std::string::npos);
  CHECK(value_of("'a") == "column 1: a text without end, expected a ' behind it");
  CHECK(value_of("1.2.3").find("column 1: `1.2.3` is no number") == 0);
  CHECK(value_of("a b") == "column 3: unexpected `b`, expected an operator or the end");
  CHECK(value_of("a.'b'").find("column 3: ") == 0);
  CHECK(value_of("a[1") == "column 4: the expression ends, expected ]");
  CHECK(value_of("a[*") == "column 4: the expression ends, expected ]");
  CHECK(value_of("(a") == "column 3: the expression ends, expected )");
  CHECK(value_of("contains(a b)") == "column 12: unexpected `b`, expected , or )");
  CHECK(value_of("contains(a)") == "column 1: contains with 1 arguments, expected 2");
  CHECK(value_of("join()") == "column 1: join with 0 arguments, expected 1 to 2");
  CHECK(value_of("exec('x')").find("column 1: unexpected `exec`, expected one of contains") == 0);
  CHECK(value_of("a ? b").find("column 3: unexpected `?`") == 0);
}

TEST_CASE("functions say what they cannot work with") {
  CHECK(value_of("fromJSON('{')").find("fromJSON: ") == 0);
  CHECK(value_of("fromJSON('" + std::string(100, '[') + "')").find("too deep") !=
        std::string::npos);
  CHECK(value_of("format('{1}', 2)").find("format: {1} with 1 values") == 0);
  CHECK(value_of("format('{x}', 2)").find("format: ") == 0);
  CHECK(value_of("format('}', 2)").find("format: ") == 0);
  CHECK(value_of("format('{', 2)").find("format: ") == 0);
  CHECK(value_of("hashFiles('broken')") == "reading broken: no");
}

TEST_CASE("expressions are bounded in size, depth and in what they make") {
  CHECK(value_of(std::string(kExpressionBytesMax + 1, ' ')).find("bytes") != std::string::npos);
  CHECK(value_of(std::string(100, '(') + "1" + std::string(100, ')')).find("too deep") !=
        std::string::npos);
  CHECK(value_of(std::string(100, '!') + "1").find("too deep") != std::string::npos);
  std::string chain = "a";
  for (int i = 0; i < 100; ++i) chain += ".a";
  CHECK(value_of(chain).find("too deep") != std::string::npos);
  std::string wide = "0";
  for (int i = 0; i < 1000; ++i) wide += " || 0";
  CHECK(value_of(wide + " || 7") == "7.0");
  std::string twice = "'" + std::string(4000, 'x') + "'";
  for (int i = 0; i < 10; ++i) twice = "format('{0}{0}', " + twice + ")";
  const auto expression = Expression::parse(twice);
  REQUIRE(expression);
  const FakeFunctions functions;
  const auto value = expression->evaluate({kContexts, functions});
  REQUIRE_FALSE(value);
  CHECK(value.error().code == rt::Errc::kFull);
}

TEST_CASE("an expression tells what it uses, and where") {
  const auto expression =
      Expression::parse("Needs.build.outputs['x y'].z[0].w && contains(steps['a'], matrix.*.b)");
  REQUIRE(expression);
  const auto& uses = expression->uses();
  REQUIRE(uses.size() == 4);
  REQUIRE(uses[0].path.size() == 5);
  CHECK(uses[0].path[0].name == "needs");
  CHECK(uses[0].path[3].name == "x y");
  CHECK(uses[0].path[3].is_quoted);
  CHECK(uses[0].path[3].offset == 20);
  CHECK(uses[0].path[3].size == 5);
  CHECK(uses[0].path[4].name == "z");
  CHECK(uses[1].path[1].name == "a");
  CHECK(uses[2].path.size() == 1);
  CHECK(uses[3].is_call);
  CHECK(uses[3].path[0].name == "contains");
  CHECK_FALSE(expression->asks_status());
  CHECK(Expression::parse("!Cancelled()")->asks_status());
}

TEST_CASE("texts have their expressions replaced") {
  CHECK(text_with("no expression") == "no expression");
  CHECK(text_with("on ${{ matrix.os }}-${{ inputs.half }}!") == "on linux-1.5!");
  CHECK(text_with("${{ '}}' }}${{ inputs.flag }}${{ nothing }}") == "}}true");
  CHECK(text_with("${{ matrix }} ${{ inputs.list }} ${{ 3 }}") == "Object Array 3");
  CHECK(text_with("a ${{ b").find("without its }}") != std::string::npos);
  CHECK(text_with("a ${{ b c }}").find("`${{ b c }}`: column 4: ") == 0);
  CHECK(text_with("a ${{ fromJSON('') }}").find("fromJSON") != std::string::npos);
}

TEST_CASE("a text that is one expression keeps the type of its value") {
  const FakeFunctions functions;
  const Scope scope{kContexts, functions};
  CHECK(evaluate_text(" ${{ inputs.list }} ", scope)->dump() == R"(["A","b"])");
  CHECK(evaluate_text("x${{ inputs.half }}", scope)->dump() == "\"x1.5\"");
  CHECK(evaluate_text("plain", scope)->dump() == "\"plain\"");
  CHECK(evaluate_text("${{ x", scope).error().code == rt::Errc::kInvalid);
}

TEST_CASE("a condition asks for success unless it asks for the status itself") {
  CHECK(decides("", true));
  CHECK_FALSE(decides("", false));
  CHECK(decides("inputs.flag", true));
  CHECK_FALSE(decides("inputs.flag", false));
  CHECK_FALSE(decides("${{ inputs.off }}", true));
  CHECK(decides("always()", false));
  CHECK(decides("${{ failure() && inputs.flag }}", false));
  const FakeFunctions functions;
  const auto mixed = holds("${{ inputs.off }} == 'x'", {kContexts, functions});
  REQUIRE_FALSE(mixed);
  CHECK(mixed.error().code == rt::Errc::kInvalid);
}
