#include "coordinator/imports/long_fields.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace fieldpost::test {
namespace {

using coordinator::JsonFields;
using coordinator::LongFields;

constexpr std::string_view kExpected = "expected a document";

/// "[0,0,0]"
std::string zeros(std::size_t count) {
  std::string out = "[";
  for (std::size_t i = 0; i < count; ++i) out += i == 0 ? "0" : ",0";
  return out + "]";
}

TEST_CASE("objects of long lists are read one by one, whatever their texts have") {
  const std::string text = R"( {"a" : [ {"t":"]}\"{[,:"} ,{"t":"\\"},{}
    ,{"in":[{"t":"x"}]}] , "b":{"c":"a"}, "empty":[], "d":[{"t":"y"}]} )";
  LongFields fields(text, kExpected, {"a", "empty", "none"});
  std::vector<std::string> texts;
  const auto read = [&](JsonFields& each) { texts.push_back(each.text("t")); };
  fields.each("a", 4, read);
  CHECK(texts == std::vector<std::string>{"]}\"{[,:", "\\", "", ""});
  texts.clear();
  fields.each("d", 1, read);  // short enough to be a value
  CHECK(texts == std::vector<std::string>{"y"});
  fields.each("empty", 0, read);
  fields.each("none", 0, read);
  CHECK(texts.size() == 1);
  CHECK(fields.rest().object("b").text("c") == "a");
  CHECK_FALSE(fields.rest().has("a"));
  CHECK(fields.problem() == "");
}

TEST_CASE("what is wrong with a long list is told by its place") {
  const auto problem = [](const std::string& list, std::size_t count_max = 2) {
    const std::string text = R"({"a":)" + list + "}";
    LongFields fields(text, kExpected, {"a"});
    fields.each("a", count_max, [](JsonFields& each) { each.text("t"); });
    return fields.problem();
  };
  CHECK(problem(R"([{"t":"x"},{"t":1}])").find(R"("a/1/t": expected a string)") == 0);
  CHECK(problem("[{},{},{}]") == R"("a": expected a list of at most 2)");
  CHECK(problem("[{},3]") == R"("a": expected a list of objects)");
  CHECK(problem("{}") == R"("a": expected a list of at most 2)");
  CHECK(problem("null") == "");
  CHECK(problem("[{},]") == kExpected);
  CHECK(problem("[{}") == kExpected);
  for (const char* text : {"", "[]", "7", "{", "{} {}", "\xEF\xBB\xBF{}"}) {
    CAPTURE(text);
    CHECK(LongFields(text, kExpected, {"a"}).problem() == kExpected);
  }
}

TEST_CASE("no more is held as values at a time than is allowed, and other lists cost nothing") {
  const std::string many = zeros(LongFields::kValuesMax);
  const auto problem = [](const std::string& text) {
    LongFields fields(text, kExpected, {"a", "other"});
    fields.each("a", 2, [](JsonFields&) {});
    return fields.problem();
  };
  CHECK(problem(R"({"x":)" + many + "}") == "what is in no list has more than 1000000 values");
  CHECK(problem(R"({"a":[{},{"x":)" + many + "}]}") == "a/1/ has more than 1000000 values");
  CHECK(problem(R"({"other":)" + many + R"(,"a":[{}]})") == "");
  CHECK(problem(R"({"x":)" + zeros(LongFields::kValuesMax - 2) + "}") == "");
}

}  // namespace
}  // namespace fieldpost::test
