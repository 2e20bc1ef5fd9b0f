#pragma once

#include <string>
#include <vector>

#include "tests/support/numbered_producer.h"
#include "tests/support/real_site.h"

namespace fieldpost::test {

/// What is wrong with the readings that the coordinator shows, compared with what a producer was
/// told: lost, stored twice, changed, never offered. Empty when all is well.
[[nodiscard]] std::vector<std::string> check_numbers(const RealSite& site, const char* node,
                                                     const NumberedProducer& producer);

/// What is wrong with the accounts of the agent's node: readings unexplained, gaps.
[[nodiscard]] std::vector<std::string> check_accounts(const RealSite& site);

}  // namespace fieldpost::test
