#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <random>

#include "proto/wire/hash.h"
#include "proto/wire/limits.h"
#include "proto/wire/readings.h"

namespace fieldpost::wire {
namespace {

SeriesKey key_of(std::string measurement, std::string field) {
  SeriesKey key;
  key.measurement = std::move(measurement);
  key.field = std::move(field);
  return key;
}

std::string some_name(std::mt19937_64& random) {
  constexpr std::string_view kAlphabet = "ab,= \\#\"µ\t";
  std::string name;
  do {
    const std::size_t at = random() % kAlphabet.size();
    if (static_cast<unsigned char>(kAlphabet[at]) < 0x80) name += kAlphabet[at];
    if (random() % 7 == 0) name += "µ";
  } while (name.empty() || random() % 4 != 0);
  return name;
}

SeriesKey some_key(std::mt19937_64& random) {
  SeriesKey key = key_of(some_name(random), some_name(random));
  std::string tag;
  for (std::size_t i = random() % 4; i > 0; --i) {
    tag += some_name(random) + "~";
    key.tags.emplace_back(tag, some_name(random));
  }
  key.type = static_cast<ValueType>(1 + random() % 5);
  if (random() % 2 == 0) key.unit = some_name(random);
  return key;
}

/// A key with one thing that may be wrong.
SeriesKey some_dubious_key(std::mt19937_64& random) {
  SeriesKey key = some_key(random);
  const std::string odd = std::array<std::string, 6>{
      "", "a\nb", "\r", "\xff", "\xe2\x82", std::string(kSeriesKeyBytesMax / 2, ',')}[random() % 6];
  switch (random() % 7) {
    case 0: key.measurement = odd; break;
    case 1: key.field = odd; break;
    case 2: key.unit = odd; break;
    case 3: key.tags.emplace_back("~", odd); break;
    case 4: key.tags.emplace_back(odd, "v"); break;
    case 5:
      for (std::size_t i = 0; i < kTagsMax; ++i)
        key.tags.emplace_back(fmt::format("~{:03}", i), "v");
      break;
    default: key.measurement += std::string(random() % kSeriesKeyBytesMax, 'x'); break;
  }
  return key;
}

}  // namespace

TEST_CASE("a series key's text says measurement, tags, field, type and unit [codec-2]") {
  SeriesKey key = key_of("weather", "air temp");
  key.tags = {{"loc", "a,b"}, {"room", "x=y\\z"}};
  key.type = ValueType::kI64;
  key.unit = "°C";
  CHECK(key.text() == "weather,loc=a\\,b,room=x\\=y\\\\z air\\ temp i °C");
  CHECK(SeriesKey::parse(key.text()).value() == key);
  CHECK(key_of("m", "f").text() == "m f f");
}

TEST_CASE("parse is the inverse of text for any names") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    const SeriesKey key = some_key(random);
    INFO(key.text());
    const auto parsed = SeriesKey::parse(key.text());
    REQUIRE(parsed.has_value());
    CHECK(*parsed == key);
  }
}

TEST_CASE("a key is valid where its text is one, and knows how long that is") {
  std::mt19937_64 random(8);
  std::size_t valid = 0;
  constexpr std::size_t kKeys = 4000;
  for (std::size_t i = 0; i < kKeys; ++i) {
    const SeriesKey key = some_dubious_key(random);
    const std::string text = key.text();
    INFO(text);
    CHECK(key.text_bytes() == text.size());
    CHECK(key.is_valid() == SeriesKey::parse(text).has_value());
    valid += key.is_valid() ? 1U : 0U;
  }
  CHECK(valid > kKeys / 10);
  CHECK(valid < kKeys * 9 / 10);
  const SeriesKey escaped = key_of(",,,,", "f");
  CHECK(escaped.text() == "\\,\\,\\,\\, f f");
  CHECK(escaped.is_valid(12));
  CHECK_FALSE(escaped.is_valid(11));
  for (const std::size_t size : {kSeriesKeyBytesMax, kSeriesKeyBytesMax + 1}) {
    CHECK(key_of(std::string(size - 4, 'x'), "f").is_valid() == (size == kSeriesKeyBytesMax));
  }
}

TEST_CASE("what text would not produce is no series key") {
  const std::string long_name(kSeriesKeyBytesMax, 'x');
  std::string many_tags = "m";
  for (std::size_t i = 0; i <= kTagsMax; ++i) many_tags += fmt::format(",t{:03}=v", i);
  for (const std::string& text : {
           std::string(),
           std::string("m"),
           std::string("m f"),
           std::string("m f x"),
           std::string("m f ff"),
           std::string("m  f"),
           std::string(" f f"),
           std::string("m f f "),
           std::string("m f f u v"),
           std::string("m f f u,v"),
           std::string("m, f f"),
           std::string("m,a f f"),
           std::string("m,a= f f"),
           std::string("m,=b f f"),
           std::string("m,b=1,a=2 f f"),
           std::string("m,a=1,a=2 f f"),
           std::string("m,a=1=2 f f"),
           std::string("m=n f f"),
           std::string("m,a=1 f,g f"),
           std::string("m\\ f f"),
           std::string("m\\n f f"),
           std::string("m f f\n"),
           std::string("m\r f f"),
           std::string("m\xff f f"),
           std::string("m\xc0\x80 f f"),
           std::string("m\xed\xa0\x80 f f"),
           std::string("m\xf4\x90\x80\x80 f f"),
           std::string("m\xe2\x82 f f"),
           long_name + " f f",
           many_tags + " f f",
       }) {
    INFO("key ", text);
    const auto parsed = SeriesKey::parse(text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == rt::Errc::kInvalid);
  }
}

TEST_CASE("the longest series key that is allowed parses") {
  const std::string text = std::string(kSeriesKeyBytesMax - 4, 'x') + " f f";
  CHECK(SeriesKey::parse(text).has_value());
  CHECK_FALSE(SeriesKey::parse("x" + text).has_value());
}

TEST_CASE("a series set is its keys, each with a line feed, under their hash [codec-1]") {
  const auto set = SeriesSet::make({"m b f", "m a i", "m a s %"}).value();
  CHECK(set.encode() == "m b f\nm a i\nm a s %\n");
  CHECK(set.types == std::vector{ValueType::kF64, ValueType::kI64, ValueType::kString});
  CHECK(set.hash == hash128(set.encode()));
  const auto decoded = SeriesSet::decode(set.encode()).value();
  CHECK(decoded.keys == set.keys);
  CHECK(decoded.types == set.types);
  CHECK(decoded.hash == set.hash);
}

TEST_CASE("a series set has distinct, canonical keys") {
  for (const std::string_view bytes : {"m b f", "m b f\nm b f\n", "m b f\n\n", "\n", "m b\n"}) {
    INFO(bytes);
    const auto set = SeriesSet::decode(bytes);
    REQUIRE_FALSE(set.has_value());
    CHECK(set.error().code == rt::Errc::kInvalid);
  }
}

TEST_CASE("a series set is bounded in series and in bytes") {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < kSetSeriesMax; ++i) keys.push_back(fmt::format("m f{} f", i));
  CHECK(SeriesSet::make(keys).has_value());
  keys.emplace_back("m g f");
  CHECK(SeriesSet::make(keys).error().code == rt::Errc::kFull);
  const std::string large(kDefinitionBytesMax + 1, 'x');
  CHECK(SeriesSet::decode(large).error().code == rt::Errc::kFull);
  CHECK(SeriesSet::make(std::vector(kDefinitionBytesMax / 4000 + 1, std::string(4000, 'x')))
            .error()
            .code == rt::Errc::kFull);
}

TEST_CASE("value types have the names of the protocol") {
  CHECK(to_string(ValueType::kF64) == "f64");
  CHECK(to_string(ValueType::kI64) == "i64");
  CHECK(to_string(ValueType::kU64) == "u64");
  CHECK(to_string(ValueType::kBool) == "bool");
  CHECK(to_string(ValueType::kString) == "string");
}

}  // namespace fieldpost::wire
