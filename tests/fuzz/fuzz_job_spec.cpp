// Any bytes are a job's spec or are refused, and what is one comes back as it was.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proto/pipeline/job_spec.h"

using namespace fieldpost::pipeline;  // NOLINT: a program's own file

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto spec = decode_job_spec({reinterpret_cast<const char*>(data), size});
  if (!spec) return 0;
  const auto text = encode(*spec);
  if (!text) return 0;  // what was left out is longer when it is said
  const auto again = decode_job_spec(*text);
  FP_CHECK(again.has_value() && *again == *spec);
  return 0;
}
