// Lines: the first is a name, the others are patterns. What is understood decides about the name,
// each pattern alone as in the list of itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/triggers/filters/filter_pattern.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fieldpost::coordinator;  // NOLINT: what is tested
  constexpr std::size_t kPatternsMax = 8;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> lines;
  while (lines.size() <= kPatternsMax) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    lines.emplace_back(input.substr(0, end));
    if (end == input.size()) break;
    input.remove_prefix(end + 1);
  }
  const std::string name = lines.front();
  lines.erase(lines.begin());
  bool last = false, all_understood = true, all_negated = true;
  for (const std::string& line : lines) {
    const auto pattern = FilterPattern::parse(line);
    FP_CHECK(pattern.has_value() || pattern.error().message.starts_with("pattern "));
    all_understood = all_understood && pattern.has_value();
    if (!pattern) continue;
    if (!pattern->is_negated()) all_negated = false;
    if (pattern->fits(name)) last = !pattern->is_negated();
  }
  const auto list = FilterPatterns::parse(lines);
  FP_CHECK(list.has_value() == (all_understood && !all_negated && !lines.empty()));
  if (list) FP_CHECK(list->pass(name) == last);
  return 0;
}
