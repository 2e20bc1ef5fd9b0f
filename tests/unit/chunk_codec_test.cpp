#include "coordinator/store/chunk_codec.h"

#include <doctest/doctest.h>

#include <string>

namespace fieldpost::test {
namespace {

using coordinator::Timeline;
using coordinator::Values;
using rt::Errc;

Timeline sample_timeline() {
  return {{INT64_MIN, -5, 0, 1'700'000'000'000'000'000, INT64_MAX},
          {{{1, 2}, 2}, {{UINT64_MAX, 0}, 1}, {{1, 9}, 2}}};
}

}  // namespace

TEST_CASE("times and ranks of a chunk survive") {
  const auto decoded = coordinator::decode_timeline(encode_timeline(sample_timeline()));
  REQUIRE(decoded);
  CHECK(*decoded == sample_timeline());
}

TEST_CASE("values of a chunk survive") {
  const Values values{{0, 1, UINT64_MAX, 0x8000000000000000ULL}, {}};
  const auto sealed = coordinator::encode_values(values, wire::ValueType::kF64);
  const auto decoded = coordinator::decode_values(sealed, wire::ValueType::kF64, 4);
  REQUIRE(decoded);
  CHECK(decoded->values == values.values);
  const Values texts{{1, 0, 1}, {"on", "off"}};
  const auto sealed_texts = coordinator::encode_values(texts, wire::ValueType::kString);
  const auto read = coordinator::decode_values(sealed_texts, wire::ValueType::kString, 3);
  REQUIRE(read);
  CHECK(read->values == texts.values);
  CHECK(read->strings == texts.strings);
}

TEST_CASE("a regular timeline costs next to nothing") {
  Timeline timeline;
  for (std::int64_t i = 0; i < 4096; ++i) {
    timeline.times.push_back(1'700'000'000'000'000'000 + i * 1'000'000'000);
    if (i % 10 == 0)
      timeline.ranks.push_back({{1, static_cast<std::uint64_t>(7 + 3 * i / 10)}, 10});
  }
  timeline.ranks.back().count = 6;
  CHECK(encode_timeline(timeline).size() < 100);
}

TEST_CASE("every damaged byte of a chunk is noticed") {
  const std::string times = encode_timeline(sample_timeline());
  const std::string values = coordinator::encode_values({{1, 2, 3}, {}}, wire::ValueType::kI64);
  for (std::size_t i = 0; i < times.size(); ++i) {
    INFO("byte ", i);
    std::string bad = times;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    REQUIRE_FALSE(coordinator::decode_timeline(bad));
    CHECK(coordinator::decode_timeline(bad).error().code == Errc::kCorrupt);
    CHECK_FALSE(coordinator::decode_timeline(times.substr(0, i)));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    INFO("byte ", i);
    std::string bad = values;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    CHECK_FALSE(coordinator::decode_values(bad, wire::ValueType::kI64, 3));
  }
  CHECK_FALSE(coordinator::decode_values(values, wire::ValueType::kI64, 4));
}

}  // namespace fieldpost::test
