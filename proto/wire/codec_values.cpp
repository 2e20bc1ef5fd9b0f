#include "proto/wire/codec_values.h"

#include <algorithm>

#include "proto/wire/codec_floats.h"

namespace fieldpost::wire::codec {
namespace {

// Heads of f64: a scale up to kScaleMax, perhaps with kExceptions, or kXor.
constexpr unsigned kExceptions = 0x20;
constexpr unsigned kXor = 0x40;

enum BoolHead : std::uint8_t { kAllFalse = 0, kAllTrue = 1, kBits = 2 };

void put_bools(std::span<const std::uint64_t> values, Sinks& out) {
  const auto trues =
      std::count_if(values.begin(), values.end(), [](std::uint64_t value) { return value != 0; });
  const bool all = trues == static_cast<std::ptrdiff_t>(values.size());
  const BoolHead head = trues == 0 ? kAllFalse : all ? kAllTrue : kBits;
  out.heads += static_cast<char>(head);
  if (head != kBits) return;
  std::string packed((values.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != 0) packed[i / 8] = static_cast<char>(packed[i / 8] | (1 << (i % 8)));
  }
  out.bodies += packed;
}

void take_bools(ByteReader& heads, ByteReader& bodies, std::span<std::uint64_t> values) {
  const std::uint8_t head = heads.byte();
  if (head > kBits) return heads.fail();
  if (head != kBits) return std::fill(values.begin(), values.end(), std::uint64_t{head});
  const std::string_view packed = bodies.take((values.size() + 7) / 8);
  if (!bodies.ok()) return;
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = (std::uint64_t{static_cast<std::uint8_t>(packed[i / 8])} >> (i % 8)) & 1U;
  }
}

void take_exceptions(std::size_t count, ByteReader& bodies, std::span<std::uint64_t> values) {
  std::uint64_t position = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t gap = bodies.varint();
    const std::uint64_t difference = unzigzag(bodies.varint());
    if (gap >= values.size() - position) return bodies.fail();
    position += gap;
    values[position] += difference;
    ++position;
  }
}

void take_floats(ByteReader& heads, ByteReader& bodies, std::span<std::uint64_t> values) {
  const unsigned head = heads.byte();
  if (head == kXor) return take_xor(bodies, values);
  const unsigned scale = head & ~kExceptions;
  if (scale > kScaleMax) return heads.fail();
  const std::size_t exceptions = (head & kExceptions) != 0 ? heads.count(values.size()) : 0;
  take_ints(heads, bodies, values);
  scale_down(values, scale);
  take_exceptions(exceptions, bodies, values);
}

void take_strings(ByteReader& heads, ByteReader& bodies, std::size_t& strings_left,
                  Column& column) {
  const std::size_t count = heads.count(strings_left);
  strings_left -= count;
  column.strings.reserve(count);
  for (std::size_t i = 0; i < count && bodies.ok(); ++i) {
    column.strings.emplace_back(bodies.take(heads.count(bodies.rest().size())));
  }
  take_ints(heads, bodies, column.values);
  const bool good = std::all_of(column.values.begin(), column.values.end(),
                                [count](std::uint64_t index) { return index < count; });
  if (!good) bodies.fail();
}

}  // namespace

void ValuesEncoder::encode(const Column& column, ValueType type, Sinks& out) {
  switch (type) {
    case ValueType::kF64: return encode_floats(column.values, out);
    case ValueType::kI64:
    case ValueType::kU64: return ints_.encode(column.values, out);
    case ValueType::kBool: return put_bools(column.values, out);
    case ValueType::kString: return encode_strings(column, out);
  }
}

void ValuesEncoder::encode_floats(std::span<const std::uint64_t> values, Sinks& out) {
  const auto scale = common_scale(values);
  if (!scale || !scale_to(values, *scale)) {
    out.heads += static_cast<char>(kXor);
    return put_xor(out.bodies, values);
  }
  const unsigned flag = exceptions_.empty() ? 0 : kExceptions;
  out.heads += static_cast<char>(*scale | flag);
  if (flag != 0) put_varint(out.heads, exceptions_.size());
  ints_.encode(scaled_, out);
  std::size_t next = 0;
  for (const Exception& exception : exceptions_) {
    put_varint(out.bodies, exception.position - next);
    put_varint(out.bodies, zigzag(exception.difference));
    next = exception.position + 1;
  }
}

/// Fills scaled_ and exceptions_; false when the values are no decimals.
bool ValuesEncoder::scale_to(std::span<const std::uint64_t> values, unsigned scale) {
  scaled_.resize(values.size());
  exceptions_.clear();
  std::uint64_t last = 0;
  std::size_t far = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    last = scale_up(values[i], scale).value_or(last);
    scaled_[i] = last;
    const std::uint64_t difference = values[i] - scale_down(last, scale);
    if (difference == 0) continue;
    exceptions_.push_back({i, difference});
    far += varint_size(zigzag(difference)) > 4 ? 1u : 0u;
  }
  return far * 4 <= values.size();
}

void ValuesEncoder::encode_strings(const Column& column, Sinks& out) {
  put_varint(out.heads, column.strings.size());
  for (const std::string& text : column.strings) {
    put_varint(out.heads, text.size());
    out.bodies += text;
  }
  ints_.encode(column.values, out);
}

void take_values(ByteReader& heads, ByteReader& bodies, ValueType type, std::size_t& strings_left,
                 Column& column) {
  switch (type) {
    case ValueType::kF64: return take_floats(heads, bodies, column.values);
    case ValueType::kI64:
    case ValueType::kU64: return take_ints(heads, bodies, column.values);
    case ValueType::kBool: return take_bools(heads, bodies, column.values);
    case ValueType::kString: return take_strings(heads, bodies, strings_left, column);
  }
}

}  // namespace fieldpost::wire::codec
