#include <doctest/doctest.h>

#include <chrono>

#include "tests/support/store_world.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT

TEST_CASE("an idempotency key is known for a day, and then stands for a new body") {
  test::StoreWorld world;
  const auto store = [&](std::size_t lines, std::chrono::hours later) {
    HttpRecords body;
    body.node = "http";
    body.idempotency_key = "k";
    body.lines = lines;
    const std::int64_t now = test::kStoreNow.ns + rt::Nanos(later).count();
    return world.store().store_http({body}, {now}).value().at(0).lines;
  };
  using std::chrono::hours;
  CHECK(store(5, hours(0)) == 5);
  CHECK(store(9, hours(24)) == 5);
  CHECK(store(9, hours(25)) == 9);
  CHECK(store(7, hours(49)) == 9);
}
