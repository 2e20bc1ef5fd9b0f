#include "tests/support/run_command.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>

namespace fieldpost::test {

Outcome run_command(const std::string& command) {
  Outcome outcome;
  std::FILE* pipe = ::popen(("{ " + command + "\n} 2>&1").c_str(), "r");
  std::array<char, 4096> buffer{};
  while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    outcome.out.append(buffer.data(), size);
  }
  outcome.exit_code = WEXITSTATUS(::pclose(pipe));
  return outcome;
}

std::string as_nobody() {
  return ::geteuid() == 0 ? "setpriv --reuid 65534 --regid 65534 --clear-groups " : "";
}

}  // namespace fieldpost::test
