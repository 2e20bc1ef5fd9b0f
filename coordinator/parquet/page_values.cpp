#include "coordinator/parquet/page_values.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <string>

#include "coordinator/parquet/delta.h"
#include "coordinator/parquet/hybrid_reader.h"
#include "proto/wire/codec_bytes.h"
#include "proto/wire/names.h"

namespace fieldpost::coordinator::parquet {
namespace {

using wire::codec::ByteReader;

rt::Status corrupt(const char* why) {
  return rt::Error{rt::Errc::kCorrupt, why};
}

rt::Status too_few() {
  return corrupt("it has fewer values than it says");
}

std::uint32_t u32_of(std::string_view bytes) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::uint64_t word_of_i32(const FileColumn& column, std::uint32_t value) {
  if (column.is_unsigned) return value;
  return static_cast<std::uint64_t>(std::int64_t{std::bit_cast<std::int32_t>(value)});
}

std::uint64_t word_of_u32(const FileColumn& column, std::uint32_t value) {
  if (column.physical == Physical::kInt32) return word_of_i32(column, value);
  return std::bit_cast<std::uint64_t>(double{std::bit_cast<float>(value)});
}

bool is_narrow(const FileColumn& column) {
  return column.physical == Physical::kInt32 || column.physical == Physical::kFloat;
}

rt::Status read_fixed(const FileColumn& column, std::string_view bytes,
                      std::span<std::uint64_t> words) {
  const std::size_t size = is_narrow(column) ? sizeof(std::uint32_t) : sizeof(std::uint64_t);
  if (bytes.size() / size < words.size()) return too_few();
  if (!is_narrow(column)) {
    std::memcpy(words.data(), bytes.data(), words.size_bytes());
    return rt::ok();
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] = word_of_u32(column, u32_of(bytes.substr(i * size)));
  }
  return rt::ok();
}

/// BYTE_STREAM_SPLIT: the first byte of each value, then the second of each, and so on.
rt::Status read_split(const FileColumn& column, std::string_view bytes,
                      std::span<std::uint64_t> words) {
  const std::size_t size = is_narrow(column) ? sizeof(std::uint32_t) : sizeof(std::uint64_t);
  if (bytes.size() / size < words.size()) return too_few();
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::uint64_t word = 0;
    for (std::size_t byte = 0; byte < size; ++byte) {
      word |= std::uint64_t{static_cast<std::uint8_t>(bytes[byte * words.size() + i])}
              << (8 * byte);
    }
    words[i] = is_narrow(column) ? word_of_u32(column, static_cast<std::uint32_t>(word)) : word;
  }
  return rt::ok();
}

rt::Status add_text(std::string_view text, PageValues& values) {
  if (!wire::is_utf8(text)) return corrupt("a text in it is not UTF-8");
  values.texts.push_back(text);
  return rt::ok();
}

rt::Status read_texts(std::string_view bytes, PageValues& values) {
  ByteReader reader(bytes);
  for (std::size_t i = 0; i < values.words.size(); ++i) {
    const std::string_view size = reader.take(sizeof(std::uint32_t));
    const std::string_view text = reader.take(reader.ok() ? u32_of(size) : 0);
    if (!reader.ok()) return too_few();
    if (auto added = add_text(text, values); !added) return added;
    values.words[i] = i;
  }
  return rt::ok();
}

/// DELTA_LENGTH_BYTE_ARRAY: the lengths of all, then the bytes of all.
rt::Status read_delta_texts(std::string_view bytes, PageValues& values) {
  ByteReader reader(bytes);
  read_delta(reader, values.words);
  for (std::size_t i = 0; i < values.words.size(); ++i) {
    const std::string_view text = reader.take(values.words[i]);
    if (!reader.ok()) return too_few();
    if (auto added = add_text(text, values); !added) return added;
    values.words[i] = i;
  }
  return rt::ok();
}

rt::Status read_delta_integers(const FileColumn& column, std::string_view bytes,
                               std::span<std::uint64_t> words) {
  ByteReader reader(bytes);
  read_delta(reader, words);
  if (!reader.ok()) return too_few();
  if (!is_narrow(column)) return rt::ok();
  // Differences of 32 bits wrap around in 32 bits.
  for (auto& word : words) word = word_of_i32(column, static_cast<std::uint32_t>(word));
  return rt::ok();
}

/// Booleans in hybrid runs, behind their size.
rt::Status read_rle_booleans(std::string_view bytes, std::span<std::uint64_t> words) {
  ByteReader reader(bytes);
  const std::string_view size = reader.take(sizeof(std::uint32_t));
  const std::string_view runs = reader.take(reader.ok() ? u32_of(size) : 0);
  return reader.ok() && read_hybrid(runs, 1, words) ? rt::ok() : too_few();
}

rt::Status read_plain(const FileColumn& column, std::string_view bytes, PageValues& values) {
  if (column.physical == Physical::kByteArray) return read_texts(bytes, values);
  if (column.physical != Physical::kBoolean) return read_fixed(column, bytes, values.words);
  return read_bits(bytes, values.words) ? rt::ok() : too_few();
}

rt::Status unsupported(Encoding encoding) {
  return rt::Error{rt::Errc::kInvalid, "its encoding " +
                                           std::to_string(static_cast<int>(encoding)) +
                                           " is not supported for its type"};
}

rt::Status read_encoded(const FileColumn& column, Encoding encoding, std::string_view bytes,
                        PageValues& values) {
  const Physical type = column.physical;
  const bool is_integer = type == Physical::kInt32 || type == Physical::kInt64;
  const bool is_float = type == Physical::kFloat || type == Physical::kDouble;
  if (encoding == Encoding::kPlain) return read_plain(column, bytes, values);
  if (encoding == Encoding::kDeltaBinaryPacked && is_integer) {
    return read_delta_integers(column, bytes, values.words);
  }
  if (encoding == Encoding::kByteStreamSplit && (is_integer || is_float)) {
    return read_split(column, bytes, values.words);
  }
  if (encoding == Encoding::kDeltaLengthByteArray && type == Physical::kByteArray) {
    return read_delta_texts(bytes, values);
  }
  if (encoding == Encoding::kRle && type == Physical::kBoolean) {
    return read_rle_booleans(bytes, values.words);
  }
  return unsupported(encoding);
}

rt::Status scale_times(std::int64_t scale, std::span<std::uint64_t> words) {
  for (std::uint64_t& word : words) {
    std::int64_t nanos = 0;
    if (__builtin_mul_overflow(static_cast<std::int64_t>(word), scale, &nanos)) {
      return rt::Error{rt::Errc::kInvalid, "a time in it is outside of the years 1677 to 2262"};
    }
    word = static_cast<std::uint64_t>(nanos);
  }
  return rt::ok();
}

}  // namespace

rt::Status read_values(const FileColumn& column, Encoding encoding, std::string_view bytes,
                       PageValues& values) {
  values.texts.clear();
  if (values.words.empty()) return rt::ok();
  if (auto read = read_encoded(column, encoding, bytes, values); !read) return read;
  return column.time_scale == 1 ? rt::ok() : scale_times(column.time_scale, values.words);
}

rt::Status read_indices(std::string_view bytes, std::size_t dictionary_size,
                        std::span<std::uint64_t> words) {
  if (words.empty()) return rt::ok();
  if (bytes.empty()) return too_few();
  if (!read_hybrid(bytes.substr(1), static_cast<std::uint8_t>(bytes[0]), words)) return too_few();
  const std::uint64_t most = *std::ranges::max_element(words);
  if (most >= dictionary_size) return corrupt("it refers to what is not in the dictionary");
  return rt::ok();
}

}  // namespace fieldpost::coordinator::parquet
