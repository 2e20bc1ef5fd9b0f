#include "tests/support/sqlite_copy.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "tests/support/daemon_process.h"
#include "tests/support/real_site.h"

namespace fieldpost::test {

namespace {

using namespace std::chrono_literals;

constexpr auto kWaitMost = 30s;
constexpr const char* kDone = "sqlite3 is done";

/// A store that was closed well has no WAL.
constexpr const char* kScript =
    "set -e\ncd '{1}'\nrm -f copy copy-wal\ncp '{0}' copy\n"
    "if [ -f '{0}-wal' ]; then cp '{0}-wal' copy-wal; fi\n"
    "sqlite3 -bail copy <question >answer\necho {2} >&2\n";

}  // namespace

std::optional<std::string> ask_sqlite_copy(const std::string& file, const std::string& directory,
                                           const std::string& sql) {
  std::ofstream(directory + "/question") << sql << "\n";
  std::ofstream(directory + "/ask.sh") << fmt::format(kScript, file, directory, kDone);
  DaemonProcess shell({"/bin/sh", directory + "/ask.sh"}, directory + "/sqlite.log");
  const auto said = shell.log().size();
  shell.start();
  if (!wait_until(kWaitMost, [&] { return !shell.running(); })) return std::nullopt;
  if (shell.log().find(kDone, said) == std::string::npos) return std::nullopt;
  std::ifstream answer(directory + "/answer");
  return std::string{std::istreambuf_iterator<char>(answer), {}};
}

}  // namespace fieldpost::test
