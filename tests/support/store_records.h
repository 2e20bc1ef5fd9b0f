#pragma once

#include <cstdint>
#include <vector>

#include "coordinator/ingest/ingest.h"
#include "tests/support/store_world.h"

/// Records of the incarnation that a StoreWorld knows.
namespace fieldpost::test {

[[nodiscard]] wire::Name name(std::uint64_t seq);
/// One series of integers.
[[nodiscard]] const wire::SeriesSet& sample_set();

struct From {
  std::uint64_t seq = 0;  ///< of the record in which they were first accepted
  std::uint32_t count = 0;
};
/// Readings of `sample_set`, a nanosecond apart, with the values 0, 1, ….
[[nodiscard]] wire::Record readings_record(std::uint32_t count, std::int64_t first_time,
                                           const std::vector<From>& from = {});
[[nodiscard]] coordinator::Arrival arrival(std::uint64_t seq, const wire::Record& record);

}  // namespace fieldpost::test
