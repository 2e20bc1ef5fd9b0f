#pragma once

#include <string>

namespace fieldpost::test {

struct Outcome {
  std::string out;  ///< standard error too
  int exit_code = 0;
};

/// Runs a line of sh and waits for its end.
[[nodiscard]] Outcome run_command(const std::string& command);
/// Put before a command: it runs as a user who owns nothing, so that files can be denied to it even
/// when root runs the tests.
[[nodiscard]] std::string as_nobody();

}  // namespace fieldpost::test
