#include "coordinator/parquet/column_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "coordinator/parquet/hybrid_reader.h"
#include "coordinator/parquet/limits.h"
#include "coordinator/parquet/page_checksum.h"

namespace fieldpost::coordinator::parquet {
namespace {

rt::Error corrupt(const char* why) {
  return {rt::Errc::kCorrupt, why};
}

/// Of a value while its page is open.
std::size_t bytes_held(const ColumnSpec& spec) {
  return sizeof(std::uint64_t) + (spec.nullable ? sizeof(std::uint8_t) : 0) +
         (spec.kind == Kind::kText ? sizeof(std::string_view) : 0);
}

bool is_index(Encoding encoding) {
  return encoding == Encoding::kRleDictionary || encoding == Encoding::kPlainDictionary;
}

}  // namespace

rt::Status ColumnReader::fill() {
  while (available() == 0) {
    if (bytes_.left() == 0) return fail(corrupt("it has fewer rows than its row group"));
    if (auto read = read_page(); !read) return fail(read.error());
  }
  return rt::ok();
}

ColumnBatch ColumnReader::take(std::size_t rows) {
  ColumnBatch batch;
  batch.words = std::span<const std::uint64_t>(values_.words).subspan(taken_, rows);
  if (nulls_ > 0) batch.present = std::span<const std::uint8_t>(present_).subspan(taken_, rows);
  batch.texts = uses_dictionary_ ? dictionary_.texts : values_.texts;
  taken_ += rows;
  return batch;
}

rt::Status ColumnReader::fail(const rt::Error& why) const {
  return rt::Error{why.code, "column \"" + column_->spec.name + "\", page at byte " +
                                 std::to_string(page_begin_) + ": " + why.message};
}

rt::Status ColumnReader::read_page() {
  values_.words.clear();
  taken_ = 0;
  page_begin_ = bytes_.position();
  const auto front = bytes_.peek(kPageHeaderBytesMax);
  if (!front) return front.error();
  const auto header = read_page_header(*front);
  if (!header) return corrupt("its header is damaged");
  bytes_.skip(header->header_size);
  if (auto checked = check(*header); !checked) return checked;
  const auto packed = bytes_.peek(header->packed_size);
  if (!packed) return packed.error();
  if (header->checksum && *header->checksum != page_checksum(*packed)) {
    return corrupt("its check sum is wrong");
  }
  auto read = read_body(*header, *packed);
  bytes_.skip(header->packed_size);
  return read;
}

rt::Status ColumnReader::check(const PageHeader& header) const {
  if (header.packed_size > bytes_.left()) return corrupt("it is longer than its column");
  if (header.packed_size > kPageBytesMax || header.raw_size > kPageBytesMax) {
    return rt::Error{rt::Errc::kInvalid, "it is too large; write the file with smaller pages"};
  }
  if (header.values > kPageValuesMax) {
    return rt::Error{rt::Errc::kInvalid, "it has too many values; write smaller row groups"};
  }
  return rt::ok();
}

/// Accounts for a page before anything is allocated for it.
rt::Status ColumnReader::hold(std::size_t& mine, const PageHeader& header) {
  const std::size_t now = header.packed_size + header.raw_size +
                          header.values * bytes_held(column_->spec) + kFetchBytes;
  held_->bytes = held_->bytes - std::exchange(mine, now) + now;
  if (held_->bytes <= kHeldBytesMax) return rt::ok();
  return rt::Error{rt::Errc::kFull,
                   "with it the pages of all columns are too large; read fewer columns at a time"};
}

rt::Status ColumnReader::read_body(const PageHeader& header, std::string_view packed) {
  switch (header.type) {
    case PageType::kData: return read_data(header, packed);
    case PageType::kDataV2: return read_data_v2(header, packed);
    case PageType::kDictionary: return read_dictionary(header, packed);
    case PageType::kIndex: return rt::ok();
  }
  return corrupt("its type is unknown");
}

rt::Status ColumnReader::read_dictionary(const PageHeader& header, std::string_view packed) {
  const bool is_plain =
      header.encoding == Encoding::kPlain || header.encoding == Encoding::kPlainDictionary;
  if (has_dictionary_) return corrupt("it is a second dictionary");
  if (!is_plain) return corrupt("its dictionary is not PLAIN");
  if (auto held = hold(dictionary_held_, header); !held) return held;
  dictionary_body_.resize(header.raw_size);
  if (auto done = unpacker_->unpack(codec_, packed, dictionary_body_); !done) return done;
  dictionary_.words.resize(header.values);
  has_dictionary_ = true;
  return read_values(*column_, Encoding::kPlain, dictionary_body_, dictionary_);
}

/// Version 1: levels and values are compressed together, the levels behind their size.
rt::Status ColumnReader::read_data(const PageHeader& header, std::string_view packed) {
  if (auto held = hold(page_held_, header); !held) return held;
  body_.resize(header.raw_size);
  if (auto done = unpacker_->unpack(codec_, packed, body_); !done) return done;
  if (!column_->spec.nullable) return read_rows(header, {}, body_);
  if (header.level_encoding != Encoding::kRle) {
    return rt::Error{rt::Errc::kInvalid, "its levels have the old encoding BIT_PACKED"};
  }
  std::uint32_t size = 0;
  const std::string_view body = body_;
  if (body.size() < sizeof size) return corrupt("its levels are cut short");
  std::memcpy(&size, body.data(), sizeof size);
  if (size > body.size() - sizeof size) return corrupt("its levels are cut short");
  return read_rows(header, body.substr(sizeof size, size), body.substr(sizeof size + size));
}

/// Version 2: the levels are not compressed and stand in front.
rt::Status ColumnReader::read_data_v2(const PageHeader& header, std::string_view packed) {
  const std::size_t levels = header.definition_size + header.repetition_size;
  if (levels > packed.size() || levels > header.raw_size) {
    return corrupt("its levels are cut short");
  }
  if (auto held = hold(page_held_, header); !held) return held;
  body_.resize(header.raw_size - levels);
  if (!body_.empty()) {
    const Codec codec = header.is_packed ? codec_ : Codec::kUncompressed;
    if (auto done = unpacker_->unpack(codec, packed.substr(levels), body_); !done) return done;
  }
  if (header.rows != header.values) return corrupt("it has not one value a row");
  return read_rows(header, packed.substr(header.repetition_size, header.definition_size), body_);
}

rt::Status ColumnReader::read_rows(const PageHeader& header, std::string_view levels,
                                   std::string_view values) {
  if (header.values > rows_left_) return corrupt("it has more rows than its row group");
  if (auto read = read_present(levels, header.values); !read) return read;
  uses_dictionary_ = is_index(header.encoding);
  if (uses_dictionary_ && !has_dictionary_) return corrupt("its dictionary is not there");
  values_.words.resize(header.values - nulls_);
  auto read = uses_dictionary_ ? read_indices(values, dictionary_.words.size(), values_.words)
                               : read_values(*column_, header.encoding, values, values_);
  if (!read) return read;
  if (uses_dictionary_ && column_->spec.kind != Kind::kText) {
    for (std::uint64_t& word : values_.words) word = dictionary_.words[word];
  }
  spread();
  rows_left_ -= header.values;
  return rt::ok();
}

rt::Status ColumnReader::read_present(std::string_view levels, std::size_t count) {
  nulls_ = 0;
  if (!column_->spec.nullable) return rt::ok();
  present_.resize(count);
  if (!read_hybrid(levels, 1, std::span(present_))) return corrupt("its levels are damaged");
  nulls_ = static_cast<std::size_t>(std::ranges::count(present_, 0));
  return rt::ok();
}

/// From the values alone to one word a row.
void ColumnReader::spread() {
  if (nulls_ == 0) return;
  std::size_t from = values_.words.size();
  values_.words.resize(present_.size());
  for (std::size_t row = present_.size(); row-- > 0;) {
    values_.words[row] = present_[row] != 0 ? values_.words[--from] : 0;
  }
}

}  // namespace fieldpost::coordinator::parquet
