#include "coordinator/pipelines/yaml_document.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "coordinator/pipelines/yaml_fields.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT

namespace {

/// The document as JSON, or the first problem.
std::string read(const std::string& text) {
  Problems problems;
  const auto root = parse_yaml("f.yml", text, problems);
  if (!problems.empty()) return to_string(problems.all().front());
  return root ? json_of(*root).dump() : "nothing";
}

}  // namespace

TEST_CASE("a document is read with the places of its values") {
  Problems problems;
  const auto root = parse_yaml("f.yml", "a: 1\nb:\n  - x\n  - {c: 'd'}\n", problems);
  REQUIRE(root);
  CHECK(problems.empty());
  REQUIRE(root->keys.size() == 2);
  CHECK(root->keys[1].line == 2);
  const YamlNode* b = root->find("b");
  REQUIRE(b != nullptr);
  REQUIRE(b->items.size() == 2);
  CHECK(b->items[1].line == 4);
  CHECK(b->items[1].column == 5);
  CHECK(b->items[1].items[0].kind == YamlNode::Kind::kQuoted);
  CHECK(root->find("c") == nullptr);
}

TEST_CASE("keys are texts, and values have the types of YAML 1.2") {
  CHECK(read("on: {yes: no, 1: on}") == R"({"on":{"1":"on","yes":"no"}})");
  CHECK(read("[true, 'true', 12, -1.5, 0x10, ~, 1.2.3, .inf]") ==
        R"([true,"true",12,-1.5,16.0,null,"1.2.3",".inf"])");
}

TEST_CASE("what is no YAML is told with its place") {
  CHECK(read("a: [1").find("f.yml:") == 0);
  CHECK(read("a: [1").find("not YAML") != std::string::npos);
  CHECK(read("a: b: c").find("not YAML") != std::string::npos);
  CHECK(read("") == "f.yml: there is nothing in the file, expected a pipeline");
  CHECK(read("# nothing\n") == "f.yml: there is nothing in the file, expected a pipeline");
  CHECK(read("a: 1\n---\nb: 2\n").find("a second document") != std::string::npos);
}

TEST_CASE("a key that occurs twice is a problem at its second place") {
  CHECK(read("a: 1\nb: 2\na: 3\n") ==
        "f.yml:3:1: the key `a` a second time, expected each key once");
  CHECK(read("? [a]\n: 1\n").find("a key that is no text") != std::string::npos);
  CHECK(read("a: !!binary x").find("a tag, ") != std::string::npos);
}

TEST_CASE("aliases are written out, within bounds") {
  CHECK(read("a: &x [1, 2]\nb: *x\n") == R"({"a":[1,2],"b":[1,2]})");
  CHECK(read("a: &x [1, *x]\n").find("an alias inside of what it stands for") != std::string::npos);
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 9; ++j) bomb += ", " + before;
    bomb += "]\n";
  }
  CHECK(read(bomb).find("the file is too large from here on") != std::string::npos);
  std::string long_text = "a: &a " + std::string(100'000, 'x') + "\n";
  for (int i = 0; i < 20; ++i) long_text += "b" + std::to_string(i) + ": *a\n";
  CHECK(read(long_text).find("too large") != std::string::npos);
}

TEST_CASE("files are bounded in size, depth, values and keys") {
  CHECK(read(std::string(kPipelineBytesMax + 1, ' ')).find("bytes") != std::string::npos);
  CHECK(read(std::string(kYamlDepthMax + 1, '[') + std::string(kYamlDepthMax + 1, ']'))
            .find("too large") != std::string::npos);
  std::string values = "[";
  for (std::size_t i = 0; i <= kYamlNodesMax; ++i) values += "1,";
  CHECK(read(values + "1]").find("too large") != std::string::npos);
  std::string keys;
  for (std::size_t i = 0; i <= kYamlKeysMax; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  CHECK(read(keys).find("too large") != std::string::npos);
}

TEST_CASE("problems are bounded, and the rest of them is counted") {
  Problems problems;
  for (std::size_t i = 0; i < Problems::kProblemsMax + 3; ++i) problems.add({}, "", "no");
  CHECK(problems.all().size() == Problems::kProblemsMax);
  CHECK(problems.left_out() == 3);
  CHECK(problems.near_name("brances", {"tags", "branches"}).empty());
  const Problems none;
  CHECK(none.near_name("brances", {"tags", "branches"}) == " (did you mean `branches`?)");
  CHECK(none.near_name("xyz", {"tags", "branches"}).empty());
  CHECK(none.near_name("c", {"a", "b"}).empty());
  CHECK(none.near_name("x", {}).empty());
}
