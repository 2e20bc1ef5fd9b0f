#include "proto/rt/long_turns.h"

#include <doctest/doctest.h>

#include <string>

namespace fieldpost::rt {
namespace {

Instant at(int seconds) {
  return {Seconds(seconds)};
}

TEST_CASE("long turns are told once a minute, with their number and the longest") {
  LongTurns turns;
  CHECK(turns.add(Millis(70), at(5)).value_or("") ==
        "1 turns of the loop took long, the longest 70 ms");
  CHECK_FALSE(turns.add(Millis(300), at(6)).has_value());
  CHECK_FALSE(turns.add(Millis(60), at(64)).has_value());
  CHECK(turns.add(Millis(80), at(65)).value_or("") ==
        "3 turns of the loop took long, the longest 300 ms");
  CHECK(turns.add(Millis(90), at(500)).value_or("") ==
        "1 turns of the loop took long, the longest 90 ms");
}

}  // namespace
}  // namespace fieldpost::rt
