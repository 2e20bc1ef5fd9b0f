#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/parquet/delta.h"
#include "coordinator/parquet/hybrid_reader.h"
#include "coordinator/parquet/runs.h"
#include "coordinator/parquet/thrift_reader.h"
#include "coordinator/parquet/thrift_writer.h"

namespace fieldpost::test {
namespace {

namespace parquet = coordinator::parquet;
using parquet::Runs;
using parquet::ThriftReader;
using parquet::ThriftType;
using parquet::ThriftWriter;
using namespace std::string_literals;

std::string hybrid(const std::vector<Runs::Run>& runs, unsigned bit_width) {
  Runs all;
  for (const Runs::Run& run : runs) all.add(run.value, run.count);
  std::string out;
  parquet::put_hybrid(out, all, bit_width);
  return out;
}

std::vector<std::uint64_t> delta_survivors(const std::vector<std::int64_t>& values) {
  std::string bytes;
  parquet::put_delta(bytes, values);
  wire::codec::ByteReader reader(bytes);
  std::vector<std::uint64_t> out(values.size());
  parquet::read_delta(reader, out);
  CHECK(reader.at_end());
  return out;
}

void check_delta(const std::vector<std::int64_t>& values) {
  const std::vector<std::uint64_t> expected(values.begin(), values.end());
  CHECK(delta_survivors(values) == expected);
}

}  // namespace

TEST_CASE("hybrid runs are those of Encodings.md") {
  // The example there: 0 to 7 with three bits each.
  std::vector<Runs::Run> all;
  for (std::uint32_t i = 0; i < 8; ++i) all.push_back({i, 1});
  CHECK(hybrid(all, 3) == "\x03\x88\xc6\xfa");
  CHECK(hybrid({{5, 100}}, 3) == "\xc8\x01\x05");
  CHECK(hybrid({{300, 9}}, 9) == "\x12\x2c\x01");
  CHECK(hybrid({{1, 1}}, 9) == "\x03\x01\x00\x00\x00\x00\x00\x00\x00\x00"s);  // filled up
  CHECK(hybrid({}, 1).empty());
}

TEST_CASE("hybrid runs of any length and order survive") {
  for (const unsigned width : {1u, 2u, 7u, 8u, 17u, 32u}) {
    std::vector<Runs::Run> all;
    std::vector<std::uint64_t> expected;
    for (std::uint32_t i = 0; i < 500; ++i) {
      const std::uint64_t mask = (1ull << width) - 1;
      const auto value = static_cast<std::uint32_t>(i * 2654435761u & mask);
      all.push_back({value, i * 7 % 23});
      expected.insert(expected.end(), i * 7 % 23, value);
    }
    std::vector<std::uint64_t> read(expected.size());
    REQUIRE(parquet::read_hybrid(hybrid(all, width), width, std::span(read)));
    CHECK(read == expected);
  }
}

TEST_CASE("hybrid runs that are cut short or wrong are noticed") {
  const std::string bytes = hybrid({{1, 3}, {0, 20}, {1, 1}, {0, 1}, {1, 5}}, 1);
  std::vector<std::uint8_t> read(30);
  REQUIRE(parquet::read_hybrid(bytes, 1, std::span(read)));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(parquet::read_hybrid(bytes.substr(0, size), 1, std::span(read)));
  }
  CHECK_FALSE(parquet::read_hybrid("\x3c\x02", 1, std::span(read)));           // has two bits
  CHECK_FALSE(parquet::read_hybrid("\x00\x01\x3c\x01"s, 1, std::span(read)));  // of no length
  CHECK_FALSE(parquet::read_hybrid("\x3c\x00\x00\x00\x00\x00"s, 33, std::span(read)));
}

TEST_CASE("differences are those of Encodings.md") {
  std::string bytes;
  // The second example there: 7, 5, 3, 1, 2, 3, 4, 5 in a block of 128.
  parquet::put_delta(bytes, std::vector<std::int64_t>{7, 5, 3, 1, 2, 3, 4, 5});
  CHECK(bytes.substr(0, 10) == "\x80\x01\x04\x08\x0e\x03\x02\x00\x00\x00"s);
  CHECK(bytes.substr(10) == "\xc0\x3f\x00\x00\x00\x00\x00\x00"s);
}

TEST_CASE("differences of any numbers survive") {
  check_delta({7});
  check_delta({INT64_MIN, INT64_MAX, INT64_MIN, 0, -1, INT64_MAX});
  for (const std::size_t count : {2u, 32u, 33u, 128u, 129u, 130u, 1000u}) {
    std::vector<std::int64_t> values;
    std::uint64_t state = count;
    for (std::size_t i = 0; i < count; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      values.push_back(static_cast<std::int64_t>(state >> (i / 32 % 64)));
    }
    check_delta(values);
  }
}

TEST_CASE("differences that are cut short are noticed") {
  std::string bytes;
  parquet::put_delta(bytes, std::vector<std::int64_t>{1, 5, -9, 700});
  std::vector<std::uint64_t> out(4);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    wire::codec::ByteReader reader(std::string_view(bytes).substr(0, size));
    parquet::read_delta(reader, out);
    CHECK_FALSE(reader.ok());
  }
  wire::codec::ByteReader longer(bytes);
  std::vector<std::uint64_t> too_many(5);
  parquet::read_delta(longer, too_many);
  CHECK_FALSE(longer.ok());
}

TEST_CASE("blocks of differences that the format does not allow are noticed") {
  const auto reads = [](std::string_view bytes, std::size_t count) {
    wire::codec::ByteReader reader(bytes);
    std::vector<std::uint64_t> out(count);
    parquet::read_delta(reader, out);
    return reader.ok();
  };
  const std::string one = "\x80\x01\x04\x01\x0e";
  CHECK(reads(one, 1));
  CHECK_FALSE(reads(one, 0));
  CHECK_FALSE(reads("\x80\x01\x03\x01\x0e", 1));      // 128 / 3
  CHECK_FALSE(reads("\x80\x01\x00\x01\x0e"s, 1));     // no miniblock
  CHECK_FALSE(reads("\x40\x01\x01\x0e", 1));          // 64
  CHECK_FALSE(reads("\x80\x80\x40\x04\x01\x0e", 1));  // a million
  const std::string wide = "\x80\x01\x04\x02\x0e\x00\x41\x00\x00\x00"s + std::string(600, 'x');
  CHECK_FALSE(reads(wide, 2));  // 65 bits
}

TEST_CASE("a compact Thrift struct is read field by field, and what is unknown is skipped") {
  std::string bytes;
  ThriftWriter out(bytes);
  out.boolean(1, true);
  out.i8(2, -3);
  out.i16(3, -300);
  out.i32(4, INT32_MIN);
  out.i64(5, INT64_MAX);
  out.begin_list(6, ThriftType::kBinary, 20);
  for (int i = 0; i < 20; ++i) out.element("text");
  bytes += "\x19\x21\x01\x02"s;  // field 7, a list of two booleans: ids behind it are one more
  out.begin_struct(8);
  out.binary(1, "inner");
  out.end();
  out.binary(15, "last");
  out.end();
  ThriftReader reader(bytes);
  std::int64_t number = 0;
  std::string last;
  reader.read_struct([&](ThriftReader::Field field) {
    if (field.id == 5) {
      number = reader.i64(field);
    } else if (field.id == 16) {
      last = reader.binary(field);
    } else {
      reader.skip(field);
    }
  });
  CHECK(reader.ok());
  CHECK(reader.rest() == 0);
  CHECK(number == INT64_MAX);
  CHECK(last == "last");
}

TEST_CASE("a Thrift list of any length has its elements") {
  for (const std::size_t count : {0u, 1u, 14u, 15u, 16u, 200u}) {
    CAPTURE(count);
    std::string bytes;
    ThriftWriter out(bytes);
    out.begin_list(1, ThriftType::kI32, count);
    for (std::size_t i = 0; i < count; ++i) out.element(static_cast<std::int32_t>(i) - 100);
    out.end();
    ThriftReader reader(bytes);
    std::vector<std::int32_t> read;
    reader.read_struct([&](ThriftReader::Field field) {
      reader.read_list(field,
                       [&](ThriftReader::Field element) { read.push_back(reader.i32(element)); });
    });
    CHECK(reader.ok());
    CHECK(reader.rest() == 0);
    REQUIRE(read.size() == count);
    CHECK((count == 0 || read.back() == static_cast<std::int32_t>(count) - 101));
  }
}

TEST_CASE("a Thrift field of another type is noticed") {
  std::string bytes;
  ThriftWriter out(bytes);
  out.i64(1, 1);
  out.i64(2, 2);
  out.end();
  for (const bool as_text : {false, true}) {
    ThriftReader reader(bytes);
    reader.read_struct([&](ThriftReader::Field field) {
      as_text ? static_cast<void>(reader.binary(field)) : static_cast<void>(reader.i32(field));
    });
    CHECK_FALSE(reader.ok());
  }
}

TEST_CASE("a Thrift number of more than its bits is noticed") {
  for (const bool fits : {true, false}) {
    // A field of type i32: the largest there is, and one more.
    const std::string bytes =
        fits ? "\x15\xfe\xff\xff\xff\x0f\x00"s : "\x15\x80\x80\x80\x80\x10\x00"s;
    ThriftReader reader(bytes);
    std::int32_t value = 0;
    reader.read_struct([&](ThriftReader::Field field) { value = reader.i32(field); });
    CHECK(reader.ok() == fits);
    CHECK(value == (fits ? INT32_MAX : 0));
  }
}

}  // namespace fieldpost::test
