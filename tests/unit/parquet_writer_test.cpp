#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/parquet/limits.h"
#include "coordinator/parquet/writer.h"
#include "tests/support/parquet_table.h"

namespace fieldpost::test {
namespace {

namespace parquet = coordinator::parquet;
using parquet::ColumnSpec;
using parquet::Kind;
using parquet::Writer;
using rt::Errc;

rt::Status take_all(std::string_view) {
  return rt::ok();
}

void check_refused(std::vector<ColumnSpec> columns) {
  const auto writer = Writer::create(std::move(columns), {}, take_all);
  REQUIRE_FALSE(writer);
  CHECK(writer.error().code == Errc::kInvalid);
}

}  // namespace

TEST_CASE("a Parquet file has columns, with names of their own") {
  check_refused({});
  check_refused(std::vector<ColumnSpec>(parquet::kColumnsMax + 1));
  check_refused({{.name = ""}});
  check_refused({{.name = "a"}, {.name = "b"}, {.name = "a"}});
  check_refused({{.name = "\xff"}});
  check_refused({{.name = std::string(parquet::kNameBytesMax + 1, 'x')}});
}

TEST_CASE("a sink that fails breaks the Parquet file for good") {
  int calls = 0;
  auto writer = Writer::create({{.name = "x"}}, {}, [&](std::string_view) {
    calls += 1;
    return calls < 2 ? rt::ok() : rt::Status(rt::Error{Errc::kFull, "no space"});
  });
  REQUIRE(writer);
  const std::array<std::int64_t, 3> values{1, 2, 3};
  for (int i = 0; i < 2; ++i) {
    writer->append_i64(0, values);
    const auto ended = writer->end_row_group();
    REQUIRE_FALSE(ended);
    CHECK(ended.error().message == "no space");
  }
  CHECK_FALSE(writer->finish());
  CHECK(calls == 2);
}

TEST_CASE("a row group in the making is held compressed") {
  auto writer = Writer::create({{.name = "x", .kind = Kind::kF64}}, {}, take_all);
  REQUIRE(writer);
  const std::vector<double> values(parquet::kGroupRowsMax, 1.5);
  writer->append_f64(0, values);
  CHECK(writer->rows(0) == parquet::kGroupRowsMax);
  CHECK(writer->bytes_held() < 20'000);
  REQUIRE(writer->end_row_group());
  CHECK(writer->rows(0) == 0);
  CHECK(writer->bytes_held() < 500);
}

TEST_CASE("a Parquet file has only so many row groups") {
  auto writer = Writer::create({{.name = "x", .kind = Kind::kBool}}, {}, take_all);
  REQUIRE(writer);
  for (std::size_t i = 0; i < parquet::kRowGroupsMax; ++i) {
    writer->append_bool(0, true);
    REQUIRE(writer->end_row_group());
  }
  writer->append_bool(0, true);
  const auto ended = writer->end_row_group();
  REQUIRE_FALSE(ended);
  CHECK(ended.error().code == Errc::kFull);
  CHECK_FALSE(writer->finish());
}

TEST_CASE("metadata that no footer holds is refused") {
  auto writer = Writer::create({{.name = "x"}}, {}, take_all);
  REQUIRE(writer);
  const std::vector<parquet::KeyValue> metadata{
      {"key", std::string(parquet::kFooterBytesMax, 'x')}};
  const auto finished = writer->finish(metadata);
  REQUIRE_FALSE(finished);
  CHECK(finished.error().code == Errc::kFull);
}

}  // namespace fieldpost::test
