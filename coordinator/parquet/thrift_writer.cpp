#include "coordinator/parquet/thrift_writer.h"

#include "proto/rt/result.h"
#include "proto/wire/codec_bytes.h"

namespace fieldpost::coordinator::parquet {
namespace {

constexpr int kShortDeltaMax = 15;           // of a field's id to the one before
constexpr std::size_t kShortListCount = 15;  // says that the count follows

/// Zig-zag of a narrower integer is that of the same number in 64 bits.
void put_zigzag(std::string& out, std::int64_t value) {
  wire::codec::put_varint(out, wire::codec::zigzag(static_cast<std::uint64_t>(value)));
}

char head(std::size_t high, ThriftType type) {
  return static_cast<char>(high << 4 | static_cast<std::size_t>(type));
}

}  // namespace

void ThriftWriter::field(int id, ThriftType type) {
  const int delta = id - last_ids_.back();
  FP_CHECK(delta > 0 && delta <= kShortDeltaMax);
  *out_ += head(static_cast<std::size_t>(delta), type);
  last_ids_.back() = id;
}

void ThriftWriter::boolean(int id, bool value) {
  field(id, value ? ThriftType::kTrue : ThriftType::kFalse);
}

void ThriftWriter::i8(int id, std::int8_t value) {
  field(id, ThriftType::kI8);
  *out_ += static_cast<char>(value);
}

void ThriftWriter::i16(int id, std::int16_t value) {
  field(id, ThriftType::kI16);
  put_zigzag(*out_, value);
}

void ThriftWriter::i32(int id, std::int32_t value) {
  field(id, ThriftType::kI32);
  put_zigzag(*out_, value);
}

void ThriftWriter::i64(int id, std::int64_t value) {
  field(id, ThriftType::kI64);
  put_zigzag(*out_, value);
}

void ThriftWriter::binary(int id, std::string_view value) {
  field(id, ThriftType::kBinary);
  element(value);
}

void ThriftWriter::begin_struct(int id) {
  field(id, ThriftType::kStruct);
  begin_element();
}

void ThriftWriter::begin_list(int id, ThriftType of, std::size_t count) {
  field(id, ThriftType::kList);
  if (count < kShortListCount) {
    *out_ += head(count, of);
  } else {
    *out_ += head(kShortListCount, of);
    wire::codec::put_varint(*out_, count);
  }
}

void ThriftWriter::element(std::int32_t value) {
  put_zigzag(*out_, value);
}

void ThriftWriter::element(std::string_view value) {
  wire::codec::put_varint(*out_, value.size());
  out_->append(value);
}

void ThriftWriter::end() {
  FP_CHECK(!last_ids_.empty());
  *out_ += head(0, ThriftType::kStop);
  last_ids_.pop_back();
}

}  // namespace fieldpost::coordinator::parquet
