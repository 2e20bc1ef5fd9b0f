#pragma once

#include <string>

namespace fieldpost::test {

/// Asked by a test that this machine cannot run (no FUSE, no tracing): says on stderr what was not
/// shown, in words by which CMake calls the test skipped. False where FIELDPOST_REQUIRE_ALL is set,
/// as in .ci/run: then the test has to fail.
[[nodiscard]] bool may_skip(const std::string& what_was_not_shown);

}  // namespace fieldpost::test
