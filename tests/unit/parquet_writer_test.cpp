#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/parquet/limits.h"
#include "coordinator/parquet/text_dictionary.h"
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
  std::vector<ColumnSpec> many(parquet::kColumnsMax + 1);
  for (std::size_t i = 0; i < many.size(); ++i) many[i].name = std::to_string(i);
  check_refused(many);
  many.pop_back();
  CHECK(Writer::create(many, {}, take_all));
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

TEST_CASE("runs that end at once are held compressed, too") {
  auto writer = Writer::create(
      {{.name = "x", .kind = Kind::kText, .nullable = true, .dictionary = true}}, {}, take_all);
  REQUIRE(writer);
  for (int i = 0; i < 200'000; ++i) writer->append_text(0, i % 2 == 0 ? "on" : "off");
  CHECK(writer->bytes_held() < 600'000);
  for (int i = 0; i < 200'000; ++i) {
    writer->append_text(0, "on");
    writer->append_nulls(0, 1);
  }
  CHECK(writer->bytes_held() < 600'000);
}

TEST_CASE("a dictionary that was full is used again in the next row group") {
  auto writer =
      Writer::create({{.name = "x", .kind = Kind::kText, .dictionary = true}}, {}, take_all);
  REQUIRE(writer);
  writer->append_text(0, std::string(parquet::kDictionaryBytes, 'x'));
  writer->append_text(0, "text", 10'000);
  CHECK(writer->bytes_held() > 80'000);
  REQUIRE(writer->end_row_group());
  writer->append_text(0, "text", 10'000);
  CHECK(writer->bytes_held() < 1'000);
}

TEST_CASE("a dictionary takes so many texts and bytes, and what it knows for ever") {
  parquet::TextDictionary many;
  for (std::size_t i = 0; i < parquet::kDictionaryTexts; ++i) {
    REQUIRE(many.index_of(std::to_string(i)) == i);
  }
  CHECK_FALSE(many.index_of("new"));
  CHECK(many.index_of("7") == 7);
  parquet::TextDictionary large;
  CHECK(large.index_of("first") == 0);
  CHECK_FALSE(large.index_of(std::string(parquet::kDictionaryBytes, 'x')));
  CHECK(large.index_of("second") == 1);
}

TEST_CASE("indices have as many bits as the largest needs, and one at least") {
  parquet::TextDictionary dictionary;
  CHECK(dictionary.index_bits() == 1);
  const std::vector<unsigned> bits{1, 1, 2, 2, 3, 3, 3, 3, 4};
  for (std::size_t i = 0; i < bits.size(); ++i) {
    CHECK(dictionary.index_of(std::to_string(i)) == i);
    CHECK(dictionary.index_bits() == bits[i]);
  }
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
