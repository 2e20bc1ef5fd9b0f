// Any text is an expression or is refused, and what is one can be evaluated, in a text too.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "proto/pipeline/expression_text.h"

using namespace fieldpost;            // NOLINT: a program's own file
using namespace fieldpost::pipeline;  // NOLINT

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

class FixedFunctions final : public Functions {
 public:
  [[nodiscard]] bool success() const override { return true; }
  [[nodiscard]] bool failure() const override { return false; }
  [[nodiscard]] bool cancelled() const override { return false; }
  [[nodiscard]] rt::Result<std::string> hash_files(
      const std::vector<std::string>& patterns) const override {
    return std::to_string(patterns.size());
  }
};

/// Each part of a use stands where it says.
void check_uses(std::string_view text, const Expression& expression) {
  for (const Use& use : expression.uses()) {
    FP_CHECK(!use.path.empty());
    for (const Use::Part& part : use.path) {
      FP_CHECK(part.offset + part.size <= text.size());
      FP_CHECK(!part.is_quoted || text[part.offset] == '\'');
    }
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Json contexts =
      Json::parse(R"({"a": {"b": [{"c": 1}, {"c": "x"}], "d": true}, "matrix": {"os": "linux"}})");
  const FixedFunctions functions;
  const Scope scope{contexts, functions};
  if (const auto expression = Expression::parse(text)) {
    check_uses(text, *expression);
    (void)expression->evaluate(scope);
  }
  (void)holds(text, scope);
  const auto whole = interpolate(text, scope);
  FP_CHECK(!whole || text.find("${{") != std::string_view::npos || *whole == text);
  (void)evaluate_text(text, scope);
  return 0;
}
