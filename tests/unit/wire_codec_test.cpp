#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "proto/wire/limits.h"
#include "proto/wire/readings_codec.h"

namespace fieldpost::wire {
namespace {

using Random = std::mt19937_64;

std::uint64_t bits_of(double value) {
  return std::bit_cast<std::uint64_t>(value);
}

std::int64_t wrapping(std::uint64_t value) {
  return std::bit_cast<std::int64_t>(value);
}

/// Fails the test case unless the payload decodes to what was encoded; its size.
std::size_t round_trip(const Columns& columns, const std::vector<ValueType>& types) {
  const std::string bytes = encode_columns(columns, types);
  CHECK(encode_columns(columns, types) == bytes);
  const auto decoded = decode_columns(bytes, types);
  REQUIRE(decoded.has_value());
  REQUIRE(*decoded == columns);
  return bytes.size();
}

std::size_t round_trip(std::vector<std::uint64_t> values, ValueType type) {
  Column column;
  for (std::size_t i = 0; i < values.size(); ++i) {
    column.times.push_back(1'700'000'000'000'000'000 + static_cast<std::int64_t>(i) * 1'000'000);
  }
  column.values = std::move(values);
  if (type == ValueType::kString) column.strings = {"a", "", "c\n"};
  return round_trip({{column}, {}, {}}, {type});
}

std::uint64_t some_word(Random& random) {
  switch (random() % 6) {
    case 0: return 0;
    case 1: return random() % 100;
    case 2: return ~(random() % 100);
    case 3: return std::uint64_t{1} << (random() % 64);
    case 4: return random() >> (random() % 64);
    default: return random();
  }
}

double some_double(Random& random) {
  constexpr double kSpecial[] = {0.0,
                                 -0.0,
                                 std::numeric_limits<double>::infinity(),
                                 -std::numeric_limits<double>::infinity(),
                                 std::numeric_limits<double>::quiet_NaN(),
                                 std::numeric_limits<double>::denorm_min(),
                                 std::numeric_limits<double>::max(),
                                 9007199254740991.0,
                                 9007199254740992.0,
                                 9007199254740993.0,
                                 1e15,
                                 1e-15,
                                 0.1,
                                 74.93588199999998};
  switch (random() % 4) {
    case 0: return kSpecial[random() % std::size(kSpecial)];
    case 1: return std::bit_cast<double>(random());
    default: {
      const double whole = static_cast<double>(random() % 1'000'000);
      return whole / std::pow(10.0, static_cast<double>(random() % 17));
    }
  }
}

std::uint64_t some_value(Random& random, ValueType type, std::size_t strings) {
  switch (type) {
    case ValueType::kF64: return bits_of(some_double(random));
    case ValueType::kI64:
    case ValueType::kU64: return some_word(random);
    case ValueType::kBool: return random() % 2;
    case ValueType::kString: return random() % strings;
  }
  return 0;
}

Column some_column(Random& random, ValueType type, const std::vector<std::int64_t>& times) {
  Column column;
  column.times = times;
  if (type == ValueType::kString && !times.empty()) {
    for (std::size_t i = 1 + random() % 5; i > 0; --i) {
      column.strings.emplace_back(random() % 20, static_cast<char>(random()));
    }
  }
  for (std::size_t i = 0; i < times.size(); ++i) {
    column.values.push_back(some_value(random, type, column.strings.size()));
  }
  return column;
}

std::vector<std::int64_t> some_times(Random& random) {
  std::vector<std::int64_t> times(random() % 3 == 0 ? 0 : random() % 300);
  const std::uint64_t unit = std::vector<std::uint64_t>{1, 1000, 1'000'000'000}[random() % 3];
  std::uint64_t time = random();
  for (std::int64_t& out : times) {
    time += random() % 10 == 0 ? some_word(random) : unit;
    out = wrapping(time);
  }
  return times;
}

void add_origins(Random& random, Columns& columns) {
  Name name{{{random(), random()}, random()}, random() % 1000};
  for (std::size_t i = 1 + random() % 4; i > 0; --i) {
    columns.origins.push_back(name);
    name.seq -= random() % 5;
    if (random() % 3 == 0) name.incarnation.value = random();
  }
  for (const Column& column : columns.columns) {
    std::vector<OriginRun> runs;
    std::size_t left = column.count();
    while (left > 0 && random() % 5 != 0) {
      const std::size_t count = 1 + random() % left;
      runs.push_back({static_cast<std::uint32_t>(random() % columns.origins.size()),
                      static_cast<std::uint32_t>(count)});
      left -= count;
    }
    columns.origin_runs.push_back(std::move(runs));
  }
}

Columns some_columns(Random& random, std::vector<ValueType>& types) {
  Columns columns;
  auto times = some_times(random);
  for (std::size_t i = random() % 20; i > 0; --i) {
    types.push_back(static_cast<ValueType>(1 + random() % 5));
    if (random() % 4 == 0) times = some_times(random);
    columns.columns.push_back(some_column(random, types.back(), times));
  }
  if (random() % 3 == 0) add_origins(random, columns);
  return columns;
}

Columns host_shape() {
  Columns columns;
  for (int i = 0; i < 60; ++i) {
    const double value = i % 3 == 0 ? i * 137 / 100.0 : i * 12'345;
    columns.columns.push_back({{1'700'000'000'123'456'789}, {bits_of(value)}, {}});
  }
  return columns;
}

}  // namespace

TEST_CASE("any columns survive encoding, bit for bit [codec-3]") {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    INFO("seed ", seed);
    Random random(seed);
    std::vector<ValueType> types;
    const Columns columns = some_columns(random, types);
    round_trip(columns, types);
  }
}

TEST_CASE("every class of 64-bit pattern survives in every numeric type") {
  for (unsigned bit = 0; bit < 64; ++bit) {
    const std::uint64_t one = std::uint64_t{1} << bit;
    for (const ValueType type : {ValueType::kF64, ValueType::kI64, ValueType::kU64}) {
      round_trip({one}, type);
      round_trip({one, ~one, one - 1, ~(one - 1), 0, one}, type);
      round_trip({0, one, one * 2, one * 3, one * 4}, type);
    }
  }
}

TEST_CASE("doubles that are no decimals survive: NaN bits, infinities, -0.0, ulps") {
  round_trip({bits_of(-0.0), bits_of(0.0), 0x7ff8000000000001, 0xfff0000000000000, 1},
             ValueType::kF64);
  std::vector<std::uint64_t> mixed;
  for (int i = 0; i < 500; ++i) mixed.push_back(bits_of(20.0 + i * 0.25));
  mixed[17] = bits_of(-0.0);
  mixed[200] += 1;
  mixed[499] = bits_of(std::numeric_limits<double>::quiet_NaN());
  CHECK(round_trip(mixed, ValueType::kF64) < 150);
}

TEST_CASE("blocks of every length survive, with outliers among small steps") {
  Random random(5);
  for (std::size_t size = 1; size < 400; ++size) {
    std::vector<std::uint64_t> values;
    std::uint64_t level = 0;
    for (std::size_t i = 0; i < size; ++i) {
      level += random() % 50 == 0 ? random() >> (random() % 64) : random() % 9;
      values.push_back(level);
    }
    round_trip(values, ValueType::kU64);
  }
}

TEST_CASE("a regular column of any length costs a few bytes") {
  std::vector<std::uint64_t> constant(kRecordReadingsMax, bits_of(21.5));
  CHECK(round_trip(constant, ValueType::kF64) < 40);
  std::vector<std::uint64_t> counter(kRecordReadingsMax);
  for (std::size_t i = 0; i < counter.size(); ++i) counter[i] = 1'000'000 + i * 4096;
  CHECK(round_trip(counter, ValueType::kU64) < 50);
  CHECK(round_trip(std::vector<std::uint64_t>(kRecordReadingsMax, 1), ValueType::kBool) < 40);
}

TEST_CASE("one reading each of sixty series at one time costs under four bytes a reading") {
  CHECK(round_trip(host_shape(), std::vector(60, ValueType::kF64)) < 60 * 4);
}

TEST_CASE("an absent series costs a bit, or less when nearly all are absent") {
  Columns columns = host_shape();
  columns.columns.resize(4096);
  const std::vector<ValueType> types(4096, ValueType::kF64);
  CHECK(round_trip(columns, types) < 60 * 5);
  for (std::size_t i = 60; i < 4096; i += 2) columns.columns[i] = columns.columns[0];
  CHECK(round_trip(columns, types) < 512 + 60 * 5 + 2018 * 4);
}

TEST_CASE("a random walk of decimals stays near its entropy") {
  Random random(1);
  std::normal_distribution<double> step(0, 0.3);
  std::size_t bytes = 0;
  for (const int decimals : {2, 2, 1, 1, 3}) {
    const double unit = std::pow(10.0, decimals);
    std::vector<std::uint64_t> values;
    double level = 50;
    for (int i = 0; i < 10'000; ++i) {
      level += step(random);
      values.push_back(bits_of(std::round(level * unit) / unit));
    }
    bytes += round_trip(values, ValueType::kF64);
  }
  CHECK(static_cast<double>(bytes) / 50'000 < 0.82);
}

TEST_CASE("strings, their order and unused ones survive") {
  round_trip({0, 1, 2, 2, 2, 1}, ValueType::kString);
  round_trip({1}, ValueType::kString);
}

TEST_CASE("an empty record and a record of no series survive") {
  round_trip(Columns{}, {});
  round_trip(Columns{std::vector<Column>(3), {}, {}}, std::vector(3, ValueType::kI64));
}

TEST_CASE("damaged payloads are corrupt or decode to something within the bounds") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    std::vector<ValueType> types;
    const Columns columns = some_columns(random, types);
    const std::string good = encode_columns(columns, types);
    for (int i = 0; i < 60; ++i) {
      std::string bad = good;
      for (std::size_t flips = 1 + random() % 3; flips > 0; --flips) {
        bad[random() % bad.size()] = static_cast<char>(random());
      }
      const auto decoded = decode_columns(bad, types);
      if (decoded) {
        CHECK(decoded->readings() <= kRecordReadingsMax);
        round_trip(*decoded, types);
      } else {
        CHECK(decoded.error().code == rt::Errc::kCorrupt);
      }
    }
  }
}

TEST_CASE("a payload cut short or with something left over is corrupt") {
  Random random(2);
  std::vector<ValueType> types;
  Columns columns;
  while (columns.readings() < 200) columns = some_columns(random, types = {});
  const std::string good = encode_columns(columns, types);
  for (std::size_t size = 0; size < good.size(); ++size) {
    INFO("size ", size);
    const auto decoded = decode_columns(std::string_view(good).substr(0, size), types);
    REQUIRE_FALSE(decoded.has_value());
    CHECK(decoded.error().code == rt::Errc::kCorrupt);
  }
  CHECK_FALSE(decode_columns(good + '\0', types).has_value());
}

TEST_CASE("counts that nothing backs are refused before anything is reserved") {
  const std::vector types = {ValueType::kF64, ValueType::kString};
  const auto refused = [&types](std::string_view bytes) {
    const auto decoded = decode_columns(bytes, types);
    return !decoded.has_value() && decoded.error().code == rt::Errc::kCorrupt;
  };
  using namespace std::string_view_literals;
  CHECK(refused(""sv));
  CHECK(refused("\x02\x00\x00\x00"sv));                          // version
  CHECK(refused("\x01\x03\x00\x00"sv));                          // presence
  CHECK(refused("\x01\x20\x00\x00"sv));                          // unknown flag
  CHECK(refused("\x01\x01\x04\x00\x00"sv));                      // a series beyond the set
  CHECK(refused("\x01\x02\x01\x02\x00\x00"sv));                  // the same as a list
  CHECK(refused("\x01\x00\x00\x00"sv));                          // no times for two columns
  CHECK(refused("\x01\x00\x03\x01\x01\x01\x00"sv));              // more times than columns
  CHECK(refused("\x01\x00\x01\x00\x00"sv));                      // a column of nothing
  CHECK(refused("\x01\x00\x01\xff\xff\xff\xff\x0f\x00"sv));      // too many readings
  CHECK(refused("\x01\x00\x01\x80\x80\x04\x00"sv));              // twice 65,536 of them
  CHECK(refused("\x01\x00\x02\x01\x01\x02\x00\x00"sv));          // a time column not yet there
  CHECK(refused("\x01\x00\x02\x01\x01\x00\x01\x00"sv));          // a time column never used
  CHECK(refused("\x01\x00\x01\x01\xff\xff\xff\xff\x0f"sv));      // heads beyond the end
  CHECK(refused("\x01\x00\x01\x01\x05\x00\x10\x00\x00\x00"sv));  // a scale beyond 15
}

TEST_CASE("columns that together pass the bound of a record are corrupt") {
  using namespace std::string_view_literals;
  const std::vector types(2, ValueType::kU64);
  const auto zeros = "\x06\x04\x00\x04\x00\x04\x00"sv;  // heads: times, values, values
  const auto fits = decode_columns(std::string("\x01\x00\x01\xb0\xea\x01"sv).append(zeros), types);
  REQUIRE(fits.has_value());
  CHECK(fits->readings() == 60'000);
  CHECK_FALSE(
      decode_columns(std::string("\x01\x00\x01\xc0\xb8\x02"sv).append(zeros), types).has_value());
}

TEST_CASE("integers around a base that miss their own first are corrupt [codec-5]") {
  using namespace std::string_view_literals;
  const auto decode = [](std::string_view residuals) {
    // Times 0, 0; values: plain bytes, order 0, first 1, base 1.
    const auto frame = "\x01\x00\x01\x02\x05\x04\x00\x01\x02\x02"sv;
    return decode_columns(std::string(frame).append(residuals), std::vector{ValueType::kU64});
  };
  CHECK(decode("\x01\x02"sv).value().columns[0].values == std::vector<std::uint64_t>{1, 3});
  CHECK_FALSE(decode("\x02\x02"sv).has_value());
}

TEST_CASE("an index beyond the dictionary is corrupt [codec-10]") {
  using namespace std::string_view_literals;
  const auto decode = [](std::string_view index_and_text) {
    const auto frame = "\x01\x00\x01\x01\x04\x00\x01\x01"sv;  // one time, one string of one byte
    return decode_columns(std::string(frame).append(index_and_text),
                          std::vector{ValueType::kString});
  };
  CHECK(decode("\x00x"sv).value().columns[0].strings == std::vector<std::string>{"x"});
  CHECK_FALSE(decode("\x02x"sv).has_value());
}

TEST_CASE("compression gives plain bytes when zstd would not make them smaller") {
  const std::string repeated(1000, 'a');
  const auto small = compress(repeated, 3);
  CHECK(small.codec == 1);
  CHECK(small.bytes.size() < 50);
  CHECK(decompress(small.bytes, 1, 1000).value() == repeated);
  const auto plain = compress("abc", 3);
  CHECK(plain.codec == 0);
  CHECK(plain.bytes == "abc");
  CHECK(decompress(plain.bytes, 0, 3).value() == "abc");
  CHECK(compress("", 3).codec == 0);
}

TEST_CASE("a compressed payload that is not what it says is corrupt") {
  const std::string raw(1000, 'a');
  const std::string packed = compress(raw, 3).bytes;
  const auto code_of = [](std::string_view bytes, std::uint8_t codec, std::size_t size) {
    const auto out = decompress(bytes, codec, size);
    return out.has_value() ? std::string("fine") : std::string(rt::to_string(out.error().code));
  };
  const std::string corrupt(rt::to_string(rt::Errc::kCorrupt));
  CHECK(code_of(packed, 1, 1000) == "fine");
  CHECK(code_of(packed, 1, 999) == corrupt);
  CHECK(code_of(packed, 1, 1001) == corrupt);
  CHECK(code_of(packed, 2, 1000) == corrupt);
  CHECK(code_of(packed, 0, 1000) == corrupt);
  CHECK(code_of(packed + packed, 1, 1000) == corrupt);
  CHECK(code_of(packed.substr(0, packed.size() - 1), 1, 1000) == corrupt);
  CHECK(code_of("garbage", 1, 1000) == corrupt);
  CHECK(code_of(compress(std::string(kRawPayloadBytesMax + 1, 'a'), 1).bytes, 1,
                kRawPayloadBytesMax + 1) == corrupt);
}

}  // namespace fieldpost::wire
