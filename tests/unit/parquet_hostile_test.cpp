// Parquet files that lie, byte by byte.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "coordinator/parquet/column_reader.h"
#include "coordinator/parquet/delta.h"
#include "coordinator/parquet/format.h"
#include "coordinator/parquet/limits.h"
#include "coordinator/parquet/page_unpacker.h"
#include "coordinator/parquet/reader.h"
#include "coordinator/parquet/thrift_writer.h"
#include "tests/support/parquet_table.h"

namespace fieldpost::test {
namespace {

namespace parquet = coordinator::parquet;
using parquet::Encoding;
using parquet::Kind;
using parquet::PageType;
using parquet::Physical;
using parquet::ThriftType;
using parquet::ThriftWriter;
using parquet::Writer;
using rt::Errc;

/// A file of one column and one row group, whatever it says.
struct Lie {
  Physical physical = Physical::kInt64;
  Physical of_chunk = Physical::kInt64;
  bool nullable = false;
  int repetition = -1;  ///< below zero: as `nullable` says
  int converted = -1;
  int children = 1;  ///< of the root
  int grandchildren = 0;
  std::int64_t rows = 1;
  std::int64_t values = -1;  ///< of the chunk; below zero: the rows
  std::int64_t rows_of_file = -1;
  std::size_t chunks = 1;
  bool elsewhere = false;
  std::string pages;
  std::int64_t size = -1;                   ///< of the chunk; below zero: that of the pages
  std::function<void(ThriftWriter&)> also;  ///< more fields of the footer
};

std::string u32(std::size_t value) {
  const auto narrow = static_cast<std::uint32_t>(value);
  std::string out(sizeof narrow, '\0');
  std::memcpy(out.data(), &narrow, sizeof narrow);
  return out;
}

std::string i64(std::int64_t value) {
  std::string out(sizeof value, '\0');
  std::memcpy(out.data(), &value, sizeof value);
  return out;
}

std::int32_t number(auto value) {
  return static_cast<std::int32_t>(value);
}

std::string framed(std::string_view pages, std::string_view footer) {
  return fmt::format("PAR1{}{}{}PAR1", pages, footer, u32(footer.size()));
}

void write_chunk(ThriftWriter& out, const Lie& lie) {
  const bool differs = lie.of_chunk != Physical::kInt64;
  out.begin_element();
  if (lie.elsewhere) out.binary(1, "other.parquet");
  out.begin_struct(3);
  out.i32(1, number(differs ? lie.of_chunk : lie.physical));
  out.i32(4, number(parquet::Codec::kUncompressed));
  out.i64(5, lie.values < 0 ? lie.rows : lie.values);
  out.i64(7, lie.size < 0 ? static_cast<std::int64_t>(lie.pages.size()) : lie.size);
  out.i64(9, 4);
  out.end();
  out.end();
}

std::string file_of(const Lie& lie) {
  std::string footer;
  ThriftWriter out(footer);
  out.begin_list(2, ThriftType::kStruct, 2);
  out.begin_element();
  out.i32(5, lie.children);
  out.end();
  out.begin_element();
  out.i32(1, number(lie.physical));
  out.i32(3, lie.repetition < 0 ? (lie.nullable ? 1 : 0) : lie.repetition);
  out.binary(4, "x");
  if (lie.grandchildren != 0) out.i32(5, lie.grandchildren);
  if (lie.converted >= 0) out.i32(6, lie.converted);
  out.end();
  out.i64(3, lie.rows_of_file < 0 ? lie.rows : lie.rows_of_file);
  out.begin_list(4, ThriftType::kStruct, 1);
  out.begin_element();
  out.begin_list(1, ThriftType::kStruct, lie.chunks);
  for (std::size_t i = 0; i < lie.chunks; ++i) write_chunk(out, lie);
  out.i64(3, lie.rows);
  out.end();
  if (lie.also) lie.also(out);
  out.end();
  return framed(lie.pages, footer);
}

struct Page {
  PageType type = PageType::kData;
  std::int64_t values = 1;
  Encoding encoding = Encoding::kPlain;
  std::string body;
  std::int64_t raw_size = -1;     ///< below zero: that of the body
  std::int64_t packed_size = -1;  ///< the same
  int part = 0;                   ///< of the header; 0: that of the type
  Encoding levels = Encoding::kRle;
};

std::string page_of(const Page& page) {
  std::string bytes;
  const auto size = static_cast<std::int64_t>(page.body.size());
  ThriftWriter out(bytes);
  out.i32(1, number(page.type));
  out.i32(2, number(page.raw_size < 0 ? size : page.raw_size));
  out.i32(3, number(page.packed_size < 0 ? size : page.packed_size));
  const int part = page.type == PageType::kDictionary ? 7 : 5;
  out.begin_struct(page.part > 0 ? page.part : part);
  out.i32(1, number(page.values));
  out.i32(2, number(page.encoding));
  if (page.type == PageType::kData) {
    out.i32(3, number(page.levels));
    out.i32(4, number(Encoding::kRle));
  }
  out.end();
  out.end();
  return bytes + page.body;
}

/// A page of version 2 with 4 bytes of levels in front.
std::string page_v2(std::int64_t values, std::int64_t rows, std::int64_t levels,
                    const std::string& body) {
  std::string bytes;
  const auto size = static_cast<std::int32_t>(body.size());
  ThriftWriter out(bytes);
  out.i32(1, number(PageType::kDataV2));
  out.i32(2, size);
  out.i32(3, size);
  out.begin_struct(8);
  out.i32(1, number(values));
  out.i32(2, 0);
  out.i32(3, number(rows));
  out.i32(4, number(Encoding::kPlain));
  out.i32(5, number(levels));
  out.i32(6, 0);
  out.end();
  out.end();
  return bytes + body;
}

rt::Error error_of(const std::string& file) {
  const auto cells = read_cells(file);
  REQUIRE_FALSE(cells);
  return cells.error();
}

void check_file(const std::string& file, Errc code, std::string_view part) {
  const rt::Error error = error_of(file);
  INFO(error.message);
  CHECK(error.code == code);
  CHECK(error.message.find(part) != std::string::npos);
}

void check_error(const Lie& lie, Errc code, std::string_view part) {
  check_file(file_of(lie), code, part);
}

void check_page(const Page& page, Errc code, std::string_view part) {
  check_error({.rows = page.values, .pages = page_of(page)}, code, part);
}

/// A file of every kind of column and page that the writer makes.
std::string small_file() {
  return write_parquet({{.name = "t", .kind = Kind::kTime},
                        {.name = "f", .kind = Kind::kF64, .nullable = true},
                        {.name = "b", .kind = Kind::kBool},
                        {.name = "n", .kind = Kind::kText, .nullable = true, .dictionary = true}},
                       [](Writer& writer) {
                         for (std::int64_t i = 0; i < 40; ++i) {
                           const double half = static_cast<double>(i) / 2;
                           writer.append_i64(0, {&i, 1});
                           if (i % 3 != 0) writer.append_f64(1, {&half, 1});
                           if (i % 3 == 0) writer.append_nulls(1, 1);
                         }
                         writer.append_bool(2, true, 40);
                         writer.append_text(3, "one", 19);
                         writer.append_nulls(3, 1);
                         writer.append_text(3, "two", 20);
                       },
                       {{"key", "value"}});
}

std::string foreign(const std::string& name) {
  std::ifstream file(FIELDPOST_TEST_DATA_DIR "/parquet/" + name + ".parquet", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Whatever a bit is turned to: an error that says so, or values.
void check_bytes(const std::string& file, std::size_t step) {
  for (std::size_t i = 0; i < file.size(); i += step) {
    INFO("byte ", i);
    std::string bad = file;
    bad[i] = static_cast<char>(bad[i] ^ (1 << i % 8));
    const auto cells = read_cells(bad, 1000);
    if (!cells) CHECK(cells.error().message.starts_with("reading a Parquet file: "));
  }
}

}  // namespace

TEST_CASE("a bit that changed in a Parquet file never does harm") {
  REQUIRE(read_cells(small_file()));
  check_bytes(small_file(), 1);
  REQUIRE(read_cells(foreign("duckdb_plain_v2")));
  check_bytes(foreign("duckdb_plain_v2"), 3);
}

TEST_CASE("a Parquet file that was cut short is none") {
  const std::string file = small_file();
  for (std::size_t size = 0; size < file.size(); ++size) {
    INFO("of size ", size);
    const auto reader = open_parquet(std::string_view(file).substr(0, size));
    REQUIRE_FALSE(reader);
    CHECK(reader.error().code == Errc::kInvalid);
  }
}

TEST_CASE("a changed bit in a page of ours is noticed") {
  const std::string file = small_file();
  const std::size_t at = file.find("\x28\xb5\x2f\xfd");  // a zstd frame begins
  REQUIRE(at != std::string::npos);
  std::string bad = file;
  bad[at + 9] ^= 4;
  const rt::Error error = error_of(bad);
  CHECK(error.code == Errc::kCorrupt);
  CHECK(
      error.message ==
      "reading a Parquet file: row group 0, column \"t\", page at byte 4: its check sum is wrong");
}

TEST_CASE("what is no readable Parquet file says why") {
  CHECK(error_of("").code == Errc::kInvalid);
  CHECK(error_of(std::string(100, 'x')).code == Errc::kInvalid);
  check_file("x" + small_file().substr(1), Errc::kInvalid, "it is none");
  std::string encrypted = small_file();
  encrypted.replace(encrypted.size() - 4, 4, "PARE");
  CHECK(error_of(encrypted).message.find("encrypted") != std::string::npos);
  std::string large = small_file();
  large.replace(large.size() - 8, 4, u32(parquet::kFooterBytesMax + 1));
  CHECK(error_of(large).code == Errc::kInvalid);
  large.replace(large.size() - 8, 4, u32(large.size()));
  CHECK(error_of(large).code == Errc::kCorrupt);
}

TEST_CASE("a Parquet page that promises more than it has is corrupt") {
  check_page({.values = 2, .body = i64(7)}, Errc::kCorrupt, "fewer values");
  check_page({.body = i64(7), .packed_size = 9}, Errc::kCorrupt, "longer than its column");
  check_page({.body = i64(7), .raw_size = 9}, Errc::kCorrupt, "announced");
  check_page({.encoding = Encoding::kDeltaBinaryPacked, .body = "\x80\x01\x04\x09"}, Errc::kCorrupt,
             "fewer values");
  check_error({.rows = 2, .pages = page_of({.body = i64(7)})}, Errc::kCorrupt, "fewer rows");
  check_error({.rows = 1, .pages = page_of({.values = 2, .body = i64(7) + i64(8)})}, Errc::kCorrupt,
              "more rows");
  check_error({.nullable = true, .pages = page_of({.body = u32(99) + i64(7)})}, Errc::kCorrupt,
              "levels are cut short");
  check_error({.nullable = true, .pages = page_of({.body = u32(2) + "\x02\x07" + i64(7)})},
              Errc::kCorrupt, "levels are damaged");
  check_error({.physical = Physical::kByteArray, .pages = page_of({.body = u32(9) + "text"})},
              Errc::kCorrupt, "fewer values");
  check_error(
      {.rows = 2,
       .pages = page_of({.body = i64(1)}) + page_of({.values = 2, .body = i64(2) + i64(3)})},
      Errc::kCorrupt, "more rows");
  check_error({.nullable = true, .pages = page_of({.body = "ab"})}, Errc::kCorrupt,
              "levels are cut short");
  check_error(
      {.physical = Physical::kBoolean, .rows = 9, .pages = page_of({.values = 9, .body = "\xff"})},
      Errc::kCorrupt, "fewer values");
  check_error({.of_chunk = Physical::kDouble, .pages = page_of({.body = i64(7)})}, Errc::kCorrupt,
              "not as announced");
}

TEST_CASE("a Parquet page whose header is not sound is corrupt") {
  check_error({.pages = "\xff\xff"}, Errc::kCorrupt, "header is damaged");
  check_page({.body = i64(7), .part = 7}, Errc::kCorrupt, "header is damaged");
  check_error({.pages = page_of({.values = -1, .body = i64(7)})}, Errc::kCorrupt,
              "header is damaged");
  check_page({.type = static_cast<PageType>(9), .body = i64(7)}, Errc::kCorrupt,
             "header is damaged");
}

TEST_CASE("a Parquet page of version 2 keeps to its levels and rows") {
  const std::string levels("\x02\x01", 2);
  const auto good =
      read_cells(file_of({.nullable = true, .pages = page_v2(1, 1, 2, levels + i64(7))}));
  REQUIRE(good);
  CHECK((*good)[0][0] == "7");
  check_error({.nullable = true, .pages = page_v2(1, 1, 99, levels + i64(7))}, Errc::kCorrupt,
              "levels are cut short");
  check_error({.nullable = true, .pages = page_v2(1, 2, 2, levels + i64(7))}, Errc::kCorrupt,
              "one value a row");
}

TEST_CASE("levels of the old encoding are refused") {
  check_error(
      {.nullable = true, .pages = page_of({.body = i64(7), .levels = Encoding::kBitPacked})},
      Errc::kInvalid, "BIT_PACKED");
}

TEST_CASE("differences of 32 bits wrap around in 32 bits") {
  std::string body;
  parquet::put_delta(body, std::vector<std::int64_t>{INT32_MAX, INT32_MAX + 1ll});
  const auto cells = read_cells(file_of(
      {.physical = Physical::kInt32,
       .rows = 2,
       .pages = page_of({.values = 2, .encoding = Encoding::kDeltaBinaryPacked, .body = body})}));
  REQUIRE(cells);
  CHECK((*cells)[0] == std::vector<std::string>{"2147483647", "-2147483648"});
}

TEST_CASE("Snappy and gzip data must have the size that was announced") {
  parquet::PageUnpacker unpacker;
  const std::string snappy(
      "\x01\x00"
      "a",
      3);
  for (const std::size_t size : {0u, 1u, 2u}) {
    std::string out(size, '\0');
    CHECK(unpacker.unpack(parquet::Codec::kSnappy, snappy, out).has_value() == (size == 1));
  }
  std::string out(1, '\0');
  CHECK_FALSE(unpacker.unpack(parquet::Codec::kSnappy, snappy.substr(0, 2), out));
  CHECK_FALSE(unpacker.unpack(parquet::Codec::kGzip, "no gzip", out));
  CHECK_FALSE(unpacker.unpack(parquet::Codec::kZstd, "no zstd", out));
  CHECK_FALSE(unpacker.unpack(parquet::Codec::kUncompressed, "two", out));
}

TEST_CASE("indices of a Parquet page stay within its dictionary") {
  const std::string dictionary = page_of({.type = PageType::kDictionary, .body = i64(7)});
  const auto indices = [](const std::string& body) {
    return page_of({.encoding = Encoding::kRleDictionary, .body = body});
  };
  check_error({.pages = indices("\x01\x02\x01")}, Errc::kCorrupt, "dictionary is not there");
  check_error({.pages = dictionary + indices("\x01\x02\x01")}, Errc::kCorrupt,
              "not in the dictionary");
  check_error({.pages = dictionary + dictionary}, Errc::kCorrupt, "second dictionary");
  check_error({.pages = dictionary + indices("")}, Errc::kCorrupt, "fewer values");
  check_error({.pages = page_of(
                   {.type = PageType::kDictionary, .encoding = Encoding::kRle, .body = i64(7)})},
              Errc::kCorrupt, "not PLAIN");
  check_error({.pages = dictionary + indices("\x21\x02")}, Errc::kCorrupt, "fewer values");
  const auto cells =
      read_cells(file_of({.pages = dictionary + indices(std::string("\x01\x02\x00", 3))}));
  REQUIRE(cells);
  CHECK((*cells)[0] == std::vector<std::string>{"7"});
}

TEST_CASE("what is beyond the bounds of the Parquet reader is refused before it is allocated") {
  const std::int64_t values = parquet::kPageValuesMax + 1;
  check_page({.values = values, .body = i64(7)}, Errc::kInvalid, "too many values");
  check_page({.body = i64(7), .raw_size = parquet::kPageBytesMax + 1}, Errc::kInvalid, "too large");
  const Lie lie{.pages = page_of({.body = i64(7)})};
  const std::string file = file_of(lie);
  const parquet::ReadAt read_at = [&](std::uint64_t offset, std::size_t size) {
    return rt::Result<std::string>(file.substr(offset, size));
  };
  parquet::PageUnpacker unpacker;
  parquet::HeldBytes held{parquet::kHeldBytesMax - 10};
  const parquet::FileColumn column;
  parquet::ColumnReader reader(column, {.begin = 4, .size = lie.pages.size()}, 1, read_at, unpacker,
                               held);
  const auto filled = reader.fill();
  REQUIRE_FALSE(filled);
  CHECK(filled.error().code == Errc::kFull);
}

TEST_CASE("times that do not fit into nanoseconds are refused by name") {
  const auto millis = [](std::int64_t time) {
    return Lie{.converted = 9, .pages = page_of({.body = i64(time)})};
  };
  check_error(millis(9'223'372'036'855), Errc::kInvalid, "1677 to 2262");
  check_error(millis(INT64_MIN), Errc::kInvalid, "column \"x\"");
  const auto cells = read_cells(file_of(millis(-9'223'372'036'854)));
  REQUIRE(cells);
  CHECK((*cells)[0][0] == "-9223372036854000000");
}

TEST_CASE("encodings that are not supported are numbered") {
  check_page({.encoding = Encoding::kDeltaByteArray, .body = i64(7)}, Errc::kInvalid,
             "encoding 7 is not supported");
  check_page({.encoding = Encoding::kRle, .body = i64(7)}, Errc::kInvalid, "encoding 3");
}

TEST_CASE("a Parquet footer cannot ask for more than it is worth") {
  const std::string page = page_of({.body = i64(7)});
  const auto with = [&](std::function<void(ThriftWriter&)> also) {
    return Lie{.pages = page, .also = std::move(also)};
  };
  check_error(with([](ThriftWriter& out) {
                out.begin_list(5, ThriftType::kStruct, parquet::kMetadataMax + 1);
                for (std::size_t i = 0; i <= parquet::kMetadataMax; ++i) {
                  out.begin_element();
                  out.end();
                }
              }),
              Errc::kInvalid, "too much metadata");
  check_error(with([](ThriftWriter& out) {
                for (int i = 0; i < 100; ++i) out.begin_struct(9);
                for (int i = 0; i < 100; ++i) out.end();
              }),
              Errc::kCorrupt, "footer is damaged");
  check_error(with([](ThriftWriter& out) { out.begin_list(9, ThriftType::kStruct, 1'000'000); }),
              Errc::kCorrupt, "footer is damaged");
  check_error({.pages = page, .size = 1000}, Errc::kCorrupt, "outside of the file");
}

TEST_CASE("a Parquet schema and its row groups must fit each other") {
  const std::string page = page_of({.body = i64(7)});
  check_error({.children = 2, .pages = page}, Errc::kCorrupt, "schema is cut short");
  check_error({.children = 0, .pages = page}, Errc::kCorrupt, "a column too many");
  check_error({.children = -1, .pages = page}, Errc::kCorrupt, "footer is damaged");
  check_error({.grandchildren = 1, .pages = page}, Errc::kCorrupt, "schema is cut short");
  check_error({.chunks = 0, .pages = page}, Errc::kCorrupt, "lacks columns");
  check_error({.chunks = 2, .pages = page}, Errc::kCorrupt, "lacks columns");
  check_error({.rows_of_file = 2, .pages = page}, Errc::kCorrupt, "number of rows");
  check_error({.rows = -1, .rows_of_file = 1, .pages = page}, Errc::kCorrupt, "footer is damaged");
  check_error({.values = 2, .pages = page}, Errc::kCorrupt, "not as announced");
}

TEST_CASE("a Parquet column that is a list or in another file is refused by name") {
  const std::string page = page_of({.body = i64(7)});
  check_error({.elsewhere = true, .pages = page}, Errc::kInvalid,
              "column \"x\": it is encrypted or in another file");
  const std::string file = file_of({.repetition = 2, .pages = page});
  const auto reader = open_parquet(file);
  REQUIRE(reader);
  CHECK(reader->columns()[0].unreadable == "it is a list; only flat columns are");
  const std::string narrow = file_of({.physical = Physical::kInt32, .converted = 9, .pages = page});
  const auto of_32_bits = open_parquet(narrow);
  REQUIRE(of_32_bits);
  CHECK_FALSE(of_32_bits->columns()[0].unreadable.empty());
}

/// A footer with one list, of so many empty structs.
std::string footer_of(int id, std::size_t count) {
  std::string footer;
  ThriftWriter out(footer);
  out.begin_list(id, ThriftType::kStruct, count);
  for (std::size_t i = 0; i < count; ++i) {
    out.begin_element();
    out.end();
  }
  out.end();
  return framed("", footer);
}

TEST_CASE("too many columns and row groups are refused") {
  std::string columns;
  ThriftWriter wide(columns);
  wide.begin_list(2, ThriftType::kStruct, 1);
  wide.begin_element();
  wide.i32(5, parquet::kColumnsMax + 1);
  wide.end();
  wide.end();
  check_file(framed("", columns), Errc::kInvalid, "1025 columns");
  check_file(footer_of(4, parquet::kRowGroupsMax + 1), Errc::kInvalid, "too many row groups");
  check_file(footer_of(2, parquet::kSchemaElementsMax + 1), Errc::kInvalid, "schema is too large");
  std::string chunks;
  ThriftWriter many(chunks);
  many.begin_list(4, ThriftType::kStruct, 1);
  many.begin_element();
  many.begin_list(1, ThriftType::kStruct, parquet::kChunksMax + 1);
  chunks.append(parquet::kChunksMax + 1, '\0');
  many.end();
  many.end();
  check_file(framed("", chunks), Errc::kInvalid, "for its columns");
}

TEST_CASE("what the file's bytes cannot be had for comes back as it is") {
  const std::string file = small_file();
  std::size_t calls = 0;
  std::size_t failing = 0;
  const auto read_at = [&](std::uint64_t offset, std::size_t size) -> rt::Result<std::string> {
    if (++calls == failing) return rt::Error{Errc::kUnavailable, "gone"};
    return file.substr(offset, size);
  };
  for (failing = 1; failing <= 3; ++failing) {
    calls = 0;
    const auto reader = parquet::Reader::open(file.size(), read_at);
    REQUIRE_FALSE(reader);
    CHECK(reader.error().code == Errc::kUnavailable);
  }
  calls = 0;
  failing = 5;
  auto reader = parquet::Reader::open(file.size(), read_at);
  REQUIRE(reader);
  auto rows = reader->read_row_group(0, std::vector<std::size_t>{0, 1});
  REQUIRE(rows);
  for (int i = 0; i < 2; ++i) {
    const auto next = rows->next(100);
    REQUIRE_FALSE(next);
    CHECK(next.error().code == Errc::kUnavailable);
  }
  const auto shorter =
      parquet::Reader::open(file.size() + 1, [&](std::uint64_t offset, std::size_t size) {
        return rt::Result<std::string>(file.substr(offset, size));
      });
  REQUIRE_FALSE(shorter);
  CHECK(shorter.error().code == Errc::kIo);
}

}  // namespace fieldpost::test
