#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "proto/wire/build.h"
#include "proto/wire/limits.h"
#include "tests/support/sample_messages.h"

namespace fieldpost::wire {
namespace {

bool is_refused(const LogPiece& piece) {
  return !decode_log_piece(encode(piece)).has_value();
}

BuildFact sample_fact() {
  return {{{1, 2}, 3}, 4, R"({"type":"step_ended","step":0,"verdict":"passed","seconds":0.25})"};
}

/// The sample with `old` in its text exchanged.
std::string fact_with(std::string_view old, std::string_view instead) {
  std::string text = encode(sample_fact());
  const std::size_t at = text.find(old);
  REQUIRE(at != std::string::npos);
  return text.replace(at, old.size(), instead);
}

}  // namespace

TEST_CASE("a piece of a log survives its encoding, and is refused where it is none [build-3]") {
  const LogPiece good = test::sample_log_piece();
  CHECK(*decode_log_piece(encode(good)) == good);
  const auto changed = [&](auto&& change) {
    LogPiece piece = good;
    change(piece);
    return piece;
  };
  CHECK(is_refused(changed([](auto& p) { p.attempt.job = {}; })));
  CHECK(is_refused(changed([](auto& p) { p.attempt.fence = 0; })));
  CHECK(is_refused(changed([](auto& p) { p.bytes.clear(); })));
  CHECK(is_refused(changed([](auto& p) { p.bytes.assign(kLogPieceBytesMax + 1, 'x'); })));
  CHECK(is_refused(
      changed([](auto& p) { p.offset = std::numeric_limits<std::int64_t>::max() - 1; })));
  const LogPiece longest = changed([](auto& p) { p.bytes.assign(kLogPieceBytesMax, 'x'); });
  CHECK(*decode_log_piece(encode(longest)) == longest);
  CHECK(!decode_log_piece("no piece"));
}

TEST_CASE("a fact of a job is an event of its own type [build-2]") {
  const std::string text = encode(sample_fact());
  CHECK(text == R"({"type":"build","job":"00000000000000010000000000000002","fence":3,"n":4,)"
                R"("fact":{"type":"step_ended","step":0,"verdict":"passed","seconds":0.25}})");
  CHECK(decode_build_fact(text).value() == sample_fact());
}

TEST_CASE("what is no fact of a job is refused, and says why") {
  const auto why = [](const std::string& text) {
    const auto fact = decode_build_fact(text);
    return fact ? std::string("a fact") : fact.error().message;
  };
  const std::string no_job = "build fact: it is of no job";
  CHECK(why("[]") == "build fact: expected an object of type \"build\"");
  CHECK(why(fact_with("\"build\"", "\"outcome\"")) ==
        "build fact: expected an object of type \"build\"");
  CHECK(why(fact_with("00000000000000010000000000000002", "00000000000000000000000000000000")) ==
        no_job);
  CHECK(why(fact_with("00000000000000010000000000000002", "1")) == no_job);
  CHECK(why(fact_with("\"fence\":3", "\"fence\":0")) == no_job);
  CHECK(why(fact_with("\"fence\":3", "\"fence\":-3")) == no_job);
  CHECK(why(fact_with("\"n\":4", "\"n\":4294967296")) == "build fact: it has no number");
  CHECK(why(fact_with("\"n\":4", "\"n\":1.5")) == "build fact: it has no number");
  CHECK(why(fact_with("\"type\":\"step_ended\",", "")) ==
        "build fact: its member \"fact\" is no object with a type");
  CHECK(why(fact_with("passed", std::string(kBuildFactBytesMax, 'x'))) ==
        "build fact: it is too large");
  CHECK(why(fact_with("0.25", std::string(70, '[') + std::string(70, ']'))) ==
        "build fact: it is nested too deeply");
  CHECK(why(fact_with("passed", "\xff")) == "build fact: expected an object of type \"build\"");
}

}  // namespace fieldpost::wire
