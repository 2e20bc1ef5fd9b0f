#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "coordinator/pipelines/plan.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT

namespace {

using Files = std::map<std::string, std::string>;

/// The yaml blocks of docs/pipelines.md, by the name that the first line of each says: "# a.yml".
Files load_examples() {
  std::ifstream in(FIELDPOST_DOCS_DIR "/pipelines.md");
  REQUIRE(in.good());
  Files files;
  std::string line;
  std::string block;
  bool is_inside = false;
  while (std::getline(in, line)) {
    if (line == "```yaml") {
      is_inside = true;
      block.clear();
    } else if (is_inside && line == "```") {
      is_inside = false;
      REQUIRE(block.starts_with("# "));
      files[block.substr(2, block.find('\n') - 2)] = block;
    } else if (is_inside) {
      block += line + "\n";
    }
  }
  return files;
}

}  // namespace

TEST_CASE("every example of the documentation is a pipeline that can be planned") {
  const Files files = load_examples();
  CHECK(files.size() == 5);
  const LoadFile load = [&](const std::string& file) -> rt::Result<std::string> {
    const auto found = files.find(file);
    if (found == files.end()) return rt::Error{rt::Errc::kNotFound, "no file " + file};
    return found->second;
  };
  PlanRequest request;
  request.context = R"({"github":{"ref":"refs/heads/main"},"vars":{}})";
  request.arguments.defaults = {{"DATA_PATH", "/data"}, {"DEPLOY_TARGET", "site"}};
  for (const auto& [name, text] : files) {
    INFO(name);
    Problems problems;
    const auto pipeline = load_pipeline(name, load, problems);
    if (pipeline) CHECK(plan(*pipeline, request, problems).has_value());
    for (const Problem& each : problems.all()) FAIL_CHECK(to_string(each));
  }
}
