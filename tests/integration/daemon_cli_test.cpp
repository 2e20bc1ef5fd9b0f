// The command lines of the daemons: what they print, and how they exit.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/run_command.h"
#include "tests/support/temp_directory.h"

using fieldpost::test::as_nobody;
using fieldpost::test::Outcome;
using fieldpost::test::run_command;
using fieldpost::test::TempDirectory;
using nlohmann::json;

namespace {

const std::string kAgent = FIELDPOST_AGENT " --set node.id=n1 --config=";
const std::string kCoordinator = FIELDPOST_COORDINATOR " --config=";

/// A directory that everybody may enter, with a file of this content and mode.
struct Place {
  Place(const std::string& text, mode_t mode) {
    ::chmod(directory.path().c_str(), 0755);
    std::ofstream(file) << text;
    ::chmod(file.c_str(), mode);
  }
  TempDirectory directory;
  std::string file = directory.path() + "/file";
};

}  // namespace

TEST_CASE("check-config prints JSON on request, of all that a configuration is") {
  const Outcome agent =
      run_command(FIELDPOST_AGENT " check-config --json --set=node.id=n7 --config /dev/null");
  CHECK(agent.exit_code == 0);
  CHECK(json::parse(agent.out).at("node").at("id") == "n7");
  const Outcome coordinator = run_command(kCoordinator + "/dev/null --json check-config");
  CHECK(coordinator.exit_code == 0);
  CHECK(json::parse(coordinator.out).at("retention").empty());
}

TEST_CASE("arguments that nobody knows are a usage error") {
  for (const std::string arguments :
       {"dance", "--json", "--config", "--set", "check-config check-config", "check-config --yes",
        "--configure=x"}) {
    INFO("arguments ", arguments);
    CHECK(run_command(FIELDPOST_COORDINATOR " " + arguments).exit_code == 2);
  }
  CHECK(run_command(FIELDPOST_COORDINATOR " --help").out.find("check-config [--json]") !=
        std::string::npos);
}

TEST_CASE("what may not be read exits 77, and what is not there 78") {
  const Place denied("", 0);
  CHECK(run_command(as_nobody() + kCoordinator + denied.file + " check-config").exit_code == 77);
  CHECK(run_command(kCoordinator + denied.file + ".none check-config").exit_code == 78);
}

TEST_CASE("a state directory that may not be written exits 77") {
  const Place place("", 0644);
  const std::string inside = place.directory.path() + "/state";
  const Outcome agent = run_command(as_nobody() + kAgent + place.file +
                                    " --set spool.path=" + inside + " --set listen.socket=");
  CHECK(agent.exit_code == 77);
  CHECK(agent.out.find("creating " + inside) != std::string::npos);
  CHECK(run_command(as_nobody() + kCoordinator + place.file + " --set store.url=sqlite://" + inside)
            .exit_code == 77);
}

TEST_CASE("secret files are looked at before anything starts") {
  const Place secret("", 0);
  const Place config("[mqtt]\nusername = \"n\"\npassword_file = \"" + secret.file + "\"\n", 0644);
  const std::string place = config.file + ":3: mqtt.password_file: ";
  const Outcome denied = run_command(as_nobody() + kAgent + config.file + " check-config");
  CHECK(denied.exit_code == 77);
  CHECK(denied.out.find(place) != std::string::npos);
  const Place tls("[mqtt]\nurl = \"mqtts://127.0.0.1:1\"\nca_file = \"/nowhere/ca\"\n", 0644);
  const Outcome missing = run_command(kCoordinator + tls.file);
  CHECK(missing.exit_code == 78);
  CHECK(missing.out.find(tls.file + ":3: mqtt.ca_file: ") != std::string::npos);
}
