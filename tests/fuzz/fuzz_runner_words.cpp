// What steps write, and what is made of it: values for other steps, expressions, the log. A stream
// is masked to the same bytes however it is cut.
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/runner/job/plain_conditions.h"
#include "agent/runner/job/step_words.h"
#include "agent/runner/journal/masker.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fieldpost::agent::runner;  // NOLINT: what is tested
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto values = parse_step_values(text);
  if (values) {
    FP_CHECK(values->size() <= kStepWordsMax);
    for (const auto& [name, value] : *values) FP_CHECK(!name.empty());
  }
  const auto paths = parse_step_paths(text);
  if (paths) FP_CHECK(paths->size() <= kStepWordsMax);

  const PlainConditions conditions;
  ExpressionContext context;
  context.json = R"({"steps":{"a":{"outputs":{"b":"c"}}},"n":[1,2]})";
  const auto is_true = conditions.is_true(text, context);
  if (!is_true) FP_CHECK(!is_true.error().message.empty());
  const auto plain = conditions.interpolate(text, context);
  if (plain && text.find("${{") == std::string_view::npos) FP_CHECK(*plain == text);

  const Pairs secrets = {{"A", "abcd"}, {"B", "abab\nabcdef"}, {"C", "cdab?"}};
  Masker whole(secrets);
  std::string masked = whole.add(text);
  masked += whole.flush();
  Masker pieces(secrets);
  std::string again;
  for (const char c : text) again += pieces.add(std::string_view(&c, 1));
  again += pieces.flush();
  FP_CHECK(masked == again);
  for (const auto& [name, secret] : secrets) FP_CHECK(masked.find(secret) == std::string::npos);
  return 0;
}
