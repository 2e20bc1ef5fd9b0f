#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

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
    const auto stored = world.store().store_http({body}, {now});
    return stored.at(0)->lines;
  };
  using std::chrono::hours;
  CHECK(store(5, hours(0)) == 5);
  CHECK(store(9, hours(24)) == 5);
  CHECK(store(9, hours(25)) == 9);
  CHECK(store(7, hours(49)) == 9);
}

TEST_CASE("trouble with the file of a body does not touch what is written beside it") {
  test::StoreWorld world;
  std::vector<HttpRecords> writes(4);
  for (std::size_t i = 0; i < writes.size(); ++i) {
    writes[i].node = "h" + std::to_string(i);
    writes[i].lines = i;
  }
  writes[2].body = AdoptedBody{"/uploads/none", {wire::sha256("x"), 1, "a/b", ""}};
  const auto stored = world.store().store_http(writes, test::kStoreNow);
  REQUIRE(stored.size() == 4);
  for (const std::size_t i : {0U, 1U, 3U}) {
    REQUIRE(stored[i].has_value());
    CHECK(stored[i]->lines == i);
  }
  CHECK_FALSE(stored[2].has_value());
  CHECK(world.number("SELECT count(*) FROM node WHERE id IN ('h0', 'h1', 'h3')") == 3);
  CHECK(world.number("SELECT count(*) FROM node WHERE id = 'h2'") == 0);
  CHECK(world.number("SELECT count(*) FROM blob") == 0);
}

TEST_CASE("a body whose file was put in place by a transaction that failed is stored again") {
  test::StoreWorld world;
  REQUIRE(world.files().make_directories("/uploads"));
  REQUIRE(world.files().write_durably("/uploads/x", "bytes", 0640));
  std::vector<HttpRecords> writes(1);
  writes[0].node = "http";
  writes[0].body = AdoptedBody{"/uploads/x", {wire::sha256("bytes"), 5, "a/b", ""}};
  world.disk().fail({.calls = static_cast<unsigned>(sim::DiskCall::kSync)});
  const auto failed = world.store().store_http(writes, test::kStoreNow);
  REQUIRE_FALSE(failed.at(0).has_value());
  world.disk().heal();
  REQUIRE_FALSE(world.files().info("/uploads/x").has_value());
  const auto stored = world.store().store_http(writes, test::kStoreNow);
  CHECK(stored.at(0).has_value());
  CHECK(world.number("SELECT count(*) FROM blob") == 1);
  // Another size is another file.
  writes[0].body->reference.size = 4;
  const auto other = world.store().store_http(writes, test::kStoreNow);
  CHECK_FALSE(other.at(0).has_value());
}

TEST_CASE("a body under a key that is known is not stored, and its file goes") {
  test::StoreWorld world;
  REQUIRE(world.files().make_directories("/uploads"));
  std::vector<HttpRecords> writes(1);
  writes[0].node = "http";
  writes[0].idempotency_key = "k";
  writes[0].lines = 1;
  for (const std::string bytes : {"first", "second"}) {
    REQUIRE(world.files().write_durably("/uploads/x", bytes, 0640));
    writes[0].body = AdoptedBody{"/uploads/x", {wire::sha256(bytes), bytes.size(), "a/b", ""}};
    const auto stored = world.store().store_http(writes, test::kStoreNow);
    REQUIRE(stored.at(0).has_value());
    CHECK(stored[0]->lines == 1);
    CHECK_FALSE(world.files().info("/uploads/x").has_value());
  }
  CHECK(world.number("SELECT count(*) FROM blob") == 1);
}
