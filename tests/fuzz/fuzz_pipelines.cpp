// Any bytes are a pipeline or are refused: what stands up to the first zero byte is the pipeline,
// what follows the file that it may use. The same pipeline gives the same plan.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "coordinator/pipelines/cron_text.h"
#include "coordinator/pipelines/plan.h"

using namespace fieldpost;               // NOLINT: a program's own file
using namespace fieldpost::coordinator;  // NOLINT

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = std::min(input.find('\0'), input.size());
  const std::string_view main = input.substr(0, zero);
  const std::string_view used = input.substr(std::min(zero + 1, input.size()));
  (void)what_is_wrong_with_cron(main);
  const LoadFile load = [&](const std::string& file) -> rt::Result<std::string> {
    return std::string(file == "main.yml" ? main : used);
  };
  Problems problems;
  const auto pipeline = load_pipeline("main.yml", load, problems);
  FP_CHECK(pipeline.has_value() == problems.empty());
  if (!pipeline) return 0;
  const auto first = plan(*pipeline, {}, problems);
  Problems again;
  const auto second = plan(*pipeline, {}, again);
  FP_CHECK(first.has_value() == second.has_value());
  if (!first) return 0;
  FP_CHECK(first->jobs.size() == second->jobs.size());
  for (std::size_t i = 0; i < first->jobs.size(); ++i) {
    FP_CHECK(first->jobs[i].spec == second->jobs[i].spec);
  }
  return 0;
}
