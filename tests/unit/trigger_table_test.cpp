// What triggers remember.
#include "coordinator/store/trigger_table.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested
using rt::Errc;
using std::chrono::hours;

struct World : StoreWorld {
  TriggerTable triggers{store().database()};
};

using States = std::vector<TriggerTable::State>;

}  // namespace

TEST_CASE("what a trigger remembers is found by its key, until it is removed") {
  World world;
  CHECK(!world.triggers.state("cron/nightly").value());
  REQUIRE(world.triggers.set_state("cron/nightly", "1").has_value());
  REQUIRE(world.triggers.set_state("cron/nightly", "2").has_value());
  REQUIRE(world.triggers.set_state("cron/weekly", "").has_value());
  REQUIRE(world.triggers.set_state("git/main", "5e6f").has_value());
  CHECK(world.triggers.state("cron/nightly").value() == "2");
  CHECK(world.triggers.state("cron/weekly").value() == "");
  CHECK(world.triggers.states("cron/", "", 10).value() ==
        States{{"cron/nightly", "2"}, {"cron/weekly", ""}});
  CHECK(world.triggers.states("cron/", "cron/nightly", 10).value() == States{{"cron/weekly", ""}});
  CHECK(world.triggers.states("", "", 1).value() == States{{"cron/nightly", "2"}});
  REQUIRE(world.triggers.remove_state("cron/nightly").has_value());
  REQUIRE(world.triggers.remove_state("cron/nightly").has_value());
  CHECK(!world.triggers.state("cron/nightly").value());
}

TEST_CASE("triggers remember so much and no more") {
  World world;
  const auto code = [&](const std::string& key, const std::string& value) {
    const auto done = world.triggers.set_state(key, value);
    REQUIRE(!done);
    return done.error().code;
  };
  CHECK(code("", "v") == Errc::kInvalid);
  CHECK(code(std::string(kTriggerKeyBytesMax + 1, 'k'), "v") == Errc::kInvalid);
  CHECK(code("k", std::string(kTriggerValueBytesMax + 1, 'v')) == Errc::kInvalid);
  REQUIRE(world.store().database().execute(
      "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 10000)"
      " INSERT INTO trigger_state SELECT 'k' || n, '' FROM i"));
  CHECK(code("one more", "v") == Errc::kFull);
  CHECK(world.triggers.set_state("k17", "v").has_value());
}

TEST_CASE("a message is known again by its name or by its body, for seven days") {
  World world;
  CHECK(!world.triggers.has_seen("id", kStoreNow).value());
  REQUIRE(world.triggers.remember("id", "hash", kStoreNow).has_value());
  CHECK(world.triggers.has_seen("id", kStoreNow).value());
  CHECK(world.triggers.has_seen("hash", kStoreNow + hours(7 * 24)).value());
  CHECK(!world.triggers.has_seen("id", kStoreNow + hours(7 * 24 + 1)).value());
  REQUIRE(world.triggers.remember("id", "other", kStoreNow + hours(24)).has_value());
  CHECK(!world.triggers.has_seen("other", kStoreNow + hours(24)).value());
  CHECK(!world.triggers.has_seen("id", kStoreNow + hours(7 * 24 + 1)).value());  // its first time
  REQUIRE(world.triggers.remember("no hash", "", kStoreNow).has_value());
  CHECK(!world.triggers.has_seen("", kStoreNow).value());
  REQUIRE(world.triggers.remember("late", "", kStoreNow + hours(8 * 24)).has_value());
  CHECK(world.number("SELECT count(*) FROM seen_delivery") == 1);
  const auto nameless = world.triggers.remember("", "hash", kStoreNow);
  REQUIRE(!nameless);
  CHECK(nameless.error().code == Errc::kInvalid);
}

TEST_CASE("of messages the newest are remembered") {
  World world;
  REQUIRE(world.store().database().execute(
      "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 10000)"
      " INSERT INTO seen_delivery SELECT 'id' || n, '', 1767225600000000000 + n FROM i"));
  REQUIRE(world.triggers.remember("new", "", kStoreNow + hours(1)).has_value());
  CHECK(world.number("SELECT count(*) FROM seen_delivery") == 10'000);
  CHECK(!world.triggers.has_seen("id1", kStoreNow + hours(1)).value());
  CHECK(world.triggers.has_seen("id2", kStoreNow + hours(1)).value());
  CHECK(world.triggers.has_seen("new", kStoreNow + hours(1)).value());
}

}  // namespace fieldpost::test
