#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "coordinator/parquet/limits.h"
#include "coordinator/parquet/reader.h"
#include "tests/support/parquet_table.h"

namespace fieldpost::test {
namespace {

namespace parquet = coordinator::parquet;
using parquet::Bounds;
using parquet::ColumnSpec;
using parquet::Kind;
using parquet::Statistics;
using parquet::Writer;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <typename T>
std::string plain(T value) {
  std::string out(sizeof value, '\0');
  std::memcpy(out.data(), &value, sizeof value);
  return out;
}

/// Of the only column of a file that `fill` made.
template <typename Fill>
Statistics statistics_of(ColumnSpec column, Fill fill) {
  column.name = "x";
  const std::string file = write_parquet({column}, fill);
  const auto reader = open_parquet(file);
  REQUIRE(reader);
  REQUIRE(reader->row_groups() == 1);
  return reader->statistics(0, 0);
}

Statistics statistics_of(std::initializer_list<double> values) {
  return statistics_of({.kind = Kind::kF64}, [&](Writer& writer) {
    writer.append_f64(0, std::span(values.begin(), values.size()));
  });
}

}  // namespace

TEST_CASE("a Parquet chunk tells the smallest and largest number, and how many nulls") {
  const std::array<std::int64_t, 3> ints{-5, INT64_MAX, 7};
  const auto signed_ones =
      statistics_of({.kind = Kind::kI64, .nullable = true}, [&](Writer& writer) {
        writer.append_nulls(0, 2);
        writer.append_i64(0, ints);
        writer.append_nulls(0, 40);
      });
  CHECK(signed_ones.null_count == 42);
  CHECK(signed_ones.bounds == Bounds{plain(std::int64_t{-5}), plain(INT64_MAX)});
  const std::array<std::uint64_t, 3> high{1ull << 63, 3, UINT64_MAX};
  const auto unsigned_ones =
      statistics_of({.kind = Kind::kU64}, [&](Writer& writer) { writer.append_u64(0, high); });
  CHECK(unsigned_ones.null_count == 0);
  CHECK(unsigned_ones.bounds == Bounds{plain(std::uint64_t{3}), plain(UINT64_MAX)});
  const auto times =
      statistics_of({.kind = Kind::kTime}, [&](Writer& writer) { writer.append_i64(0, ints); });
  CHECK(times.bounds == signed_ones.bounds);
  const auto flags = statistics_of({.kind = Kind::kBool}, [](Writer& writer) {
    writer.append_bool(0, true, 5);
    writer.append_bool(0, false, 5);
  });
  CHECK(flags.bounds == Bounds{std::string(1, '\0'), "\x01"});
}

TEST_CASE("NaN is in no Parquet statistics, and zeros have both signs") {
  CHECK(statistics_of({kNan, 2, kNan, -1, kNan}).bounds == Bounds{plain(-1.0), plain(2.0)});
  CHECK_FALSE(statistics_of({kNan, kNan}).bounds);
  CHECK(statistics_of({0.0, 5}).bounds == Bounds{plain(-0.0), plain(5.0)});
  CHECK(statistics_of({-0.0, -5}).bounds == Bounds{plain(-5.0), plain(0.0)});
  CHECK(statistics_of({kInfinity}).bounds == Bounds{plain(kInfinity), plain(kInfinity)});
  CHECK(statistics_of({-kInfinity, kNan}).bounds == Bounds{plain(-kInfinity), plain(-kInfinity)});
}

TEST_CASE("Parquet statistics of texts go by bytes, and stop at long ones") {
  const std::string longest(parquet::kStatisticBytesMax, 'm');
  for (const bool dictionary : {false, true}) {
    const ColumnSpec column{.kind = Kind::kText, .nullable = true, .dictionary = dictionary};
    const auto texts = statistics_of(column, [&](Writer& writer) {
      for (const std::string& text :
           {longest, std::string("z"), std::string("ä"), std::string("a")}) {
        writer.append_text(0, text, 2);
      }
      writer.append_nulls(0, 3);
    });
    CHECK(texts.bounds == Bounds{"a", "ä"});
    CHECK(texts.null_count == 3);
    const auto with_long = statistics_of(column, [&](Writer& writer) {
      writer.append_text(0, "a");
      writer.append_text(0, longest + "m");
      writer.append_text(0, "b");
    });
    CHECK_FALSE(with_long.bounds);
  }
}

TEST_CASE("each Parquet row group has statistics of its own") {
  const std::string file =
      write_parquet({{.name = "x", .kind = Kind::kText, .nullable = true, .dictionary = true},
                     {.name = "y", .kind = Kind::kF64}},
                    [](Writer& writer) {
                      const std::array<double, 3> values{5, -5, 1};
                      writer.append_text(0, "a");
                      writer.append_nulls(0, 1);
                      writer.append_f64(1, std::span(values).first(2));
                      REQUIRE(writer.end_row_group());
                      writer.append_text(0, "b");
                      writer.append_f64(1, std::span(values).last(1));
                      REQUIRE(writer.end_row_group());
                      writer.append_nulls(0, 2);
                      writer.append_f64(1, std::span(values).first(2));
                      REQUIRE(writer.end_row_group());
                      writer.append_text(0, "a");
                      writer.append_f64(1, std::span(values).last(1));
                    });
  const auto reader = open_parquet(file);
  REQUIRE(reader);
  CHECK(reader->statistics(0, 0).bounds == Bounds{"a", "a"});
  CHECK(reader->statistics(1, 0).bounds == Bounds{"b", "b"});
  CHECK(reader->statistics(1, 0).null_count == 0);
  CHECK_FALSE(reader->statistics(2, 0).bounds);
  CHECK(reader->statistics(2, 0).null_count == 2);
  CHECK(reader->statistics(3, 0).bounds == Bounds{"a", "a"});
  CHECK(reader->statistics(1, 1).bounds == Bounds{plain(1.0), plain(1.0)});
}

}  // namespace fieldpost::test
