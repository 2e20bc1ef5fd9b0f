#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/numbered_producer.h"
#include "tests/support/real_site.h"

namespace fieldpost::test {

struct ShownNumber {
  std::int64_t number = 0, time_ns = 0;
};

/// What a producer was told, and what the coordinator shows of it.
struct Numbers {
  std::string producer;
  std::int64_t offered = 0;            ///< the highest number
  std::vector<std::int64_t> answered;  ///< those that the producer was told are taken
  std::vector<ShownNumber> shown;      ///< in the order shown
};

/// Asks a coordinator for all that a stopped producer wrote as `node`. What it does not answer is
/// not shown.
[[nodiscard]] Numbers load_numbers(const RealSite& site, const char* node,
                                   const NumberedProducer& producer);

/// Those that were answered and are not shown.
[[nodiscard]] std::vector<std::int64_t> lost_numbers(const Numbers& numbers);

/// What is wrong: fewer answered than `answered_least`, which would prove nothing, and numbers that
/// are lost, shown twice, changed or never offered. Empty when all is well.
[[nodiscard]] std::vector<std::string> check_numbers(const Numbers& numbers,
                                                     std::size_t answered_least);

/// How many readings of a node a store has, counted by plain SQL: what it shows hides a double.
struct StoreCounts {
  std::int64_t delivered = 0;  ///< as the node's own row says
  std::int64_t in_batches = 0;
  std::int64_t in_chunks = 0;
};

/// Of a coordinator that is down. nullopt: no such node, or no store to be read.
[[nodiscard]] std::optional<StoreCounts> count_store(const RealSite& site, const char* node);

/// What is wrong with them when the node shows `shown` readings.
[[nodiscard]] std::vector<std::string> check_counts(const char* node,
                                                    const std::optional<StoreCounts>& counts,
                                                    std::size_t shown);

/// What is wrong with the accounts of a node as the coordinator shows them: readings unexplained,
/// accepted and not delivered, gaps.
[[nodiscard]] std::vector<std::string> check_accounts(const RealSite& site, const char* node);

}  // namespace fieldpost::test
