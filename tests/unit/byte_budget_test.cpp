// What may go to the broker in a second and in a day.
#include "agent/uplink/byte_budget.h"

#include <doctest/doctest.h>

#include <string>

namespace fieldpost::agent {
namespace {

rt::Instant at(std::int64_t seconds) {
  return {rt::Seconds(seconds)};
}

constexpr rt::Nanos kNow{0};

TEST_CASE("without bounds everything may go at once") {
  ByteBudget budget(0, 0);
  budget.spend(1 << 30, at(1));
  CHECK(budget.time_to(1 << 30, at(1)) == kNow);
  CHECK_FALSE(budget.exhausted_for(1, at(1)).has_value());
}

TEST_CASE("asking spends nothing, only what went counts") {
  ByteBudget budget(0, 1000);
  budget.resume("", at(0));
  CHECK(budget.time_to(1000, at(1)) == kNow);
  CHECK(budget.time_to(1000, at(1)) == kNow);
  budget.spend(1000, at(1));
  CHECK(budget.time_to(1, at(1)) > kNow);
}

TEST_CASE("a day that is spent ends 24 hours after it began") {
  ByteBudget budget(0, 1000);
  budget.resume("", at(100));
  budget.spend(900, at(200));
  CHECK_FALSE(budget.exhausted_for(100, at(3600)).has_value());
  const auto left = budget.exhausted_for(101, at(3600));
  REQUIRE(left.has_value());
  CHECK(*left == ByteBudget::kDay - rt::Seconds(3500));
  CHECK(budget.time_to(101, at(3600)) == *left);
  CHECK_FALSE(budget.exhausted_for(1000, at(100 + 86'400)).has_value());
}

TEST_CASE("the rate is kept, and what sessions need is paid back before more goes") {
  ByteBudget budget(1000, 0);
  CHECK(budget.time_to(1000, at(1)) == kNow);
  budget.spend(3000, at(1));
  const rt::Nanos wait = budget.time_to(1000, at(1));
  CHECK(wait > rt::Seconds(2));
  CHECK(wait < rt::Seconds(4));
  CHECK(budget.time_to(1000, at(1) + wait) == kNow);
}

TEST_CASE("a restart forgets at most a sixteenth of the day's bytes, or what an hour spent") {
  ByteBudget before(0, 1600);
  before.resume("", at(0));
  CHECK_FALSE(before.note(at(10)).has_value());
  before.spend(99, at(20));
  CHECK_FALSE(before.note(at(30)).has_value());
  before.spend(1, at(40));
  const auto much = before.note(at(50));
  REQUIRE(much.has_value());
  CHECK_FALSE(before.note(at(51)).has_value());
  before.spend(50, at(60));
  CHECK_FALSE(before.note(at(3649)).has_value());
  const auto later = before.note(at(3650));
  REQUIRE(later.has_value());

  ByteBudget after(0, 1600);
  after.resume(*later, at(7));
  CHECK_FALSE(after.exhausted_for(1450, at(7)).has_value());
  const auto left = after.exhausted_for(1451, at(7));
  REQUIRE(left.has_value());
  CHECK(*left == ByteBudget::kDay - rt::Seconds(3650));
}

TEST_CASE("what was spent before the day was read counts, and nothing is noted before") {
  ByteBudget budget(0, 1000);
  budget.spend(600, at(5000));
  CHECK_FALSE(budget.note(at(5000)).has_value());
  budget.resume("300 60", at(5001));
  CHECK_FALSE(budget.exhausted_for(100, at(5001)).has_value());
  CHECK(budget.exhausted_for(101, at(5001)).has_value());
}

TEST_CASE("a day noted as over, or unreadable, begins anew") {
  for (const std::string note : {"900 86400", "", "x", "900", "900 "}) {
    INFO(note);
    ByteBudget budget(0, 1000);
    budget.resume(note, at(1));
    CHECK_FALSE(budget.exhausted_for(1000, at(1)).has_value());
  }
}

}  // namespace
}  // namespace fieldpost::agent
