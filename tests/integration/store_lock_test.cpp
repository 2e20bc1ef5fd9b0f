// One coordinator a store, as real processes.
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "tests/support/real_site.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;  // NOLINT

constexpr auto kWaitMost = 20s;

bool says(const DaemonProcess& daemon, const std::string& text) {
  return wait_until(kWaitMost, [&] { return daemon.log().find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("a second coordinator on one store says so and ends; the first goes on") {
  RealSite first;
  first.coordinator().start();
  REQUIRE(says(first.coordinator(), "started, version"));
  const std::string store = first.directory() + "/coordinator";
  RealSite second({.coordinator_state = store});
  second.coordinator().start();
  CHECK(says(second.coordinator(), " runs on " + store + ": stop it first"));
  CHECK(wait_until(kWaitMost, [&] { return !second.coordinator().running(); }));
  CHECK(first.coordinator().running());

  first.coordinator().kill();
  second.coordinator().start();
  CHECK(says(second.coordinator(), "started, version"));
}

}  // namespace fieldpost::test
