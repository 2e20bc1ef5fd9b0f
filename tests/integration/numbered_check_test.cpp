// The checks of the kill rounds find what they are for.
#include "tests/support/numbered_check.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/sqlite_copy.h"
#include "tests/support/temp_directory.h"

namespace fieldpost::test {
namespace {

using Wrong = std::vector<std::string>;

constexpr std::size_t kAnsweredLeast = 3;

ShownNumber shown(std::int64_t number) {
  return {number, NumberedProducer::time_of(number)};
}

/// Three numbers that were offered, answered and stored, and a fourth whose answer was lost.
Numbers sound() {
  return {"p", 4, {1, 2, 3}, {shown(1), shown(2), shown(3), shown(4)}};
}

TEST_CASE("numbers that are all there once are not complained about") {
  CHECK(check_numbers(sound(), kAnsweredLeast) == Wrong{});
  Numbers unanswered_is_gone = sound();
  unanswered_is_gone.shown.pop_back();
  CHECK(check_numbers(unanswered_is_gone, kAnsweredLeast) == Wrong{});
}

TEST_CASE("a producer that got hardly an answer proves nothing, though all is stored") {
  Numbers numbers = sound();
  numbers.answered = {1};
  CHECK(check_numbers(numbers, kAnsweredLeast) ==
        Wrong{"p: only 1 were answered, which proves nothing: at least 3 are needed"});
}

TEST_CASE("a number that is lost, there twice, changed or made up is named") {
  Numbers numbers = sound();
  numbers.shown = {shown(1), shown(2), {2, NumberedProducer::time_of(2) + 1}, shown(5)};
  CHECK(lost_numbers(numbers) == std::vector<std::int64_t>{3});
  CHECK(check_numbers(numbers, kAnsweredLeast) ==
        Wrong{"p: 3 was answered and is lost", "p: 2 is shown twice",
              "p: 2 has the time 1700000000002000007", "p: 5 was never offered"});
}

TEST_CASE("a double that the store hides is found by counting") {
  CHECK(check_counts("n", StoreCounts{7, 4, 3}, 7) == Wrong{});
  CHECK(check_counts("n", StoreCounts{8, 4, 3}, 7) == Wrong{"n: delivered are 8, shown are 7"});
  CHECK(check_counts("n", StoreCounts{7, 5, 3}, 7) ==
        Wrong{"n: the store has 8 readings, shown are 7"});
  CHECK(check_counts("n", std::nullopt, 7) == Wrong{"n: the store could not be counted"});
}

TEST_CASE("a node's readings are counted in the tables of the store") {
  RealSite site;
  site.coordinator().start();
  const auto write = offer_to_http(site.coordinator_port(), "/write?node=a");
  REQUIRE(wait_until(std::chrono::seconds(30), [&] { return write("m v=1 1\n", 1); }));
  REQUIRE(write("m v=2 2\nm v=3 3\n", 2));
  site.coordinator().stop();
  const auto counts = count_store(site, "a");
  REQUIRE(counts.has_value());
  CHECK(counts->delivered == 3);
  CHECK(counts->in_batches + counts->in_chunks == 3);
  CHECK_FALSE(count_store(site, "b").has_value());
}

TEST_CASE("a store that sqlite3 cannot read has no answer") {
  const TempDirectory directory;
  CHECK_FALSE(
      ask_sqlite_copy(directory.file("nothing"), directory.path(), "SELECT 1;").has_value());
}

}  // namespace
}  // namespace fieldpost::test
