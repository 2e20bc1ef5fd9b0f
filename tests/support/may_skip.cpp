#include "tests/support/may_skip.h"

#include <cstdio>
#include <cstdlib>

namespace fieldpost::test {

bool may_skip(const std::string& what_was_not_shown) {
  const bool may = std::getenv("FIELDPOST_REQUIRE_ALL") == nullptr;
  std::fprintf(stderr, "%s: %s\n", may ? "SKIPPED" : "REQUIRED", what_was_not_shown.c_str());
  return may;
}

}  // namespace fieldpost::test
