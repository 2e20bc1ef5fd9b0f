// What the daemons' programs do besides running: doctor and adopt.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/real_site.h"
#include "tests/support/run_command.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;  // NOLINT
using nlohmann::json;

constexpr auto kWaitMost = 20s;

Outcome agent(const RealSite& site, const std::string& verb) {
  return run_command(FIELDPOST_AGENT " --config " + site.directory() + "/agent.toml " + verb);
}

Outcome coordinator(const RealSite& site, const std::string& verb) {
  return run_command(FIELDPOST_COORDINATOR " --config " + site.directory() + "/coordinator.toml " +
                     verb);
}

bool says(const Outcome& outcome, const std::string& text) {
  return outcome.out.find(text) != std::string::npos;
}

bool starts(DaemonProcess& daemon, const std::string& text = "started, version") {
  daemon.start();
  return wait_until(kWaitMost, [&] { return daemon.log().find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("doctor finds what is free, what is served, and what is gone") {
  RealSite site;
  const Outcome before = agent(site, "doctor");
  CHECK(before.exit_code == 0);
  CHECK(says(before, site.socket() + " is free"));
  REQUIRE(starts(site.coordinator()));
  REQUIRE(starts(site.agent()));
  const Outcome served = agent(site, "doctor");
  CHECK(served.exit_code == 0);
  CHECK(says(served, site.socket() + " is served by the daemon"));
  CHECK(coordinator(site, "doctor --json").exit_code == 0);
  site.broker().kill();
  const Outcome alone = coordinator(site, "doctor --json");
  CHECK(alone.exit_code == 1);
  const json document = json::parse(alone.out);
  CHECK(document.at("healthy") == false);
  std::size_t failed = 0;
  for (const json& check : document.at("checks")) {
    if (check.at("outcome") != "fail") continue;
    CHECK(check.at("what").get<std::string>().starts_with("the broker at "));
    CHECK_FALSE(check.at("advice").get<std::string>().empty());
    ++failed;
  }
  CHECK(failed == 1);
  CHECK(site.agent().running());
}

TEST_CASE("doctor tells a port that another program has") {
  RealSite site;
  const std::string broker = std::to_string(site.broker().port());
  const Outcome outcome = coordinator(site, "doctor --set http.listen=127.0.0.1:" + broker);
  CHECK(outcome.exit_code == 1);
  CHECK(says(outcome, "is taken by another program"));
}

TEST_CASE("adopt makes a stopped agent believe the next coordinator, and only then") {
  RealSite site;
  REQUIRE(starts(site.coordinator()));
  REQUIRE(starts(site.agent(), "pinned coordinator store"));
  const Outcome running = agent(site, "adopt --yes");
  CHECK(running.exit_code == 1);
  CHECK(says(running, "stop it first"));
  site.agent().stop();
  CHECK(agent(site, "adopt").exit_code == 2);
  CHECK(says(agent(site, "adopt --yes"), "forgot coordinator store "));
  CHECK(json::parse(agent(site, "adopt --json").out).at("forgotten").is_null());
  site.agent().start();
  CHECK(wait_until(kWaitMost, [&] { return site.drained(); }));
}

}  // namespace fieldpost::test
