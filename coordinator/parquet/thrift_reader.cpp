#include "coordinator/parquet/thrift_reader.h"

#include "coordinator/parquet/limits.h"

namespace fieldpost::coordinator::parquet {
namespace {

constexpr std::size_t kShortListCount = 15;  // says that the count follows

ThriftType low_type(std::uint8_t byte) {
  return static_cast<ThriftType>(byte & 0x0f);
}

}  // namespace

ThriftReader::Field ThriftReader::next_field(int last) {
  const std::uint8_t head = bytes_.byte();
  const ThriftType type = low_type(head);
  if (type == ThriftType::kStop) return {};
  const int delta = head >> 4;
  const std::int64_t id = delta > 0 ? last + delta : zigzag();
  if (id < 0 || id > INT16_MAX) fail();
  return ok() ? Field{static_cast<int>(id), type} : Field{};
}

/// No element takes less than a byte.
ThriftReader::List ThriftReader::list_head() {
  const std::uint8_t head = bytes_.byte();
  std::size_t count = head >> 4;
  if (count == kShortListCount) count = bytes_.count(rest());
  if (count > rest()) fail();
  return ok() ? List{low_type(head), count} : List{};
}

bool ThriftReader::expect(Field field, ThriftType type) {
  if (field.type != type) fail();
  return ok();
}

std::int64_t ThriftReader::zigzag() {
  return static_cast<std::int64_t>(wire::codec::unzigzag(bytes_.varint()));
}

std::int8_t ThriftReader::i8(Field field) {
  return expect(field, ThriftType::kI8) ? static_cast<std::int8_t>(bytes_.byte()) : std::int8_t{0};
}

std::int32_t ThriftReader::i32(Field field) {
  if (!expect(field, ThriftType::kI32)) return 0;
  const std::int64_t value = zigzag();
  if (value < INT32_MIN || value > INT32_MAX) fail();
  return ok() ? static_cast<std::int32_t>(value) : 0;
}

std::int64_t ThriftReader::i64(Field field) {
  return expect(field, ThriftType::kI64) ? zigzag() : 0;
}

bool ThriftReader::boolean(Field field) {
  if (field.type != ThriftType::kTrue && field.type != ThriftType::kFalse) fail();
  return field.type == ThriftType::kTrue;
}

std::string_view ThriftReader::binary(Field field) {
  if (!expect(field, ThriftType::kBinary)) return {};
  return bytes_.take(bytes_.count(rest()));
}

void ThriftReader::skip(Field field) {
  if (++depth_ > kDepthMax || field.type > ThriftType::kStruct) fail();
  switch (field.type) {
    case ThriftType::kTrue:
    case ThriftType::kFalse:
      // In a list each has a byte, as a field it is in the head.
      if (field.id == 0) bytes_.byte();
      break;
    case ThriftType::kI8: bytes_.byte(); break;
    case ThriftType::kI16:
    case ThriftType::kI32:
    case ThriftType::kI64: bytes_.varint(); break;
    case ThriftType::kDouble: bytes_.u64(); break;
    case ThriftType::kBinary: binary(field); break;
    case ThriftType::kList:
    case ThriftType::kSet:
      read_list({field.id, ThriftType::kList}, [this](Field element) { skip(element); });
      break;
    case ThriftType::kMap: skip_map(); break;
    case ThriftType::kStruct: read_struct([this](Field inner) { skip(inner); }); break;
    case ThriftType::kStop: fail(); break;
  }
  --depth_;
}

void ThriftReader::skip_map() {
  const std::size_t count = bytes_.count(rest());
  if (count == 0) return;
  const std::uint8_t types = bytes_.byte();
  const Field key{0, static_cast<ThriftType>(types >> 4)};
  const Field value{0, low_type(types)};
  for (std::size_t i = 0; i < count && ok(); ++i) {
    skip(key);
    skip(value);
  }
}

}  // namespace fieldpost::coordinator::parquet
