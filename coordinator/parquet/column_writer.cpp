#include "coordinator/parquet/column_writer.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "coordinator/parquet/delta.h"
#include "coordinator/parquet/limits.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator::parquet {
namespace {

std::vector<std::int64_t> as_times(std::string_view plain) {
  std::vector<std::int64_t> times(plain.size() / sizeof(std::int64_t));
  std::memcpy(times.data(), plain.data(), times.size() * sizeof(std::int64_t));
  return times;
}

/// Definition levels of a data page of version 1: the size, then one bit each as hybrid runs.
void put_levels(std::string& body, const Runs& levels) {
  const std::size_t begin = body.size();
  body.append(sizeof(std::uint32_t), '\0');
  put_hybrid(body, levels, 1);
  const auto size = static_cast<std::uint32_t>(body.size() - begin - sizeof(std::uint32_t));
  std::memcpy(body.data() + begin, &size, sizeof size);
}

}  // namespace

std::size_t ColumnWriter::bytes_held() const {
  return chunk_.pages.size() + plain_.size() + dictionary_.plain().size() +
         (levels_.size() + runs_.size()) * sizeof(Runs::Run);
}

template <typename T>
void ColumnWriter::append(std::span<const T> values) {
  while (!values.empty()) {
    const std::size_t room = (kPageBytes - plain_.size()) / sizeof(T);
    const auto now = values.first(std::min(room, values.size()));
    plain_.append(reinterpret_cast<const char*>(now.data()), now.size_bytes());
    std::get<Extent<T>>(extents_).take(now);
    add_present(now.size());
    values = values.subspan(now.size());
    end_page_when_full();
  }
}

template void ColumnWriter::append(std::span<const std::int64_t>);
template void ColumnWriter::append(std::span<const std::uint64_t>);
template void ColumnWriter::append(std::span<const double>);

void ColumnWriter::append_bool(bool value, std::size_t count) {
  if (count == 0) return;
  const std::uint8_t number = value ? 1 : 0;
  std::get<Extent<std::uint8_t>>(extents_).take({&number, 1});
  add_run(number, count);
}

void ColumnWriter::append_text(std::string_view text, std::size_t count) {
  if (count == 0) return;
  if (!spec_.dictionary || dictionary_is_full_) return append_plain_text(text, count);
  const std::size_t known = dictionary_.size();
  const auto index = dictionary_.index_of(text);
  if (!index) {
    if (page_rows_ > 0) end_page();
    dictionary_is_full_ = true;
    return append_plain_text(text, count);
  }
  if (dictionary_.size() > known) texts_.take(text);
  add_run(*index, count);
}

void ColumnWriter::append_plain_text(std::string_view text, std::size_t count) {
  texts_.take(text);
  for (std::size_t i = 0; i < count; ++i) {
    put_plain_text(plain_, text);
    add_present(1);
    end_page_when_full();
  }
}

void ColumnWriter::append_nulls(std::size_t count) {
  FP_CHECK(spec_.nullable);
  if (count == 0) return;
  levels_.add(0, static_cast<std::uint32_t>(count));
  null_count_ += static_cast<std::int64_t>(count);
  page_nulls_ += count;
  page_rows_ += count;
  end_page_when_full();
}

void ColumnWriter::add_present(std::size_t count) {
  if (spec_.nullable) levels_.add(1, static_cast<std::uint32_t>(count));
  page_rows_ += count;
}

void ColumnWriter::add_run(std::uint32_t value, std::size_t count) {
  runs_.add(value, static_cast<std::uint32_t>(count));
  add_present(count);
  end_page_when_full();
}

void ColumnWriter::end_page_when_full() {
  if (plain_.size() >= kPageBytes || runs_.size() >= kPageRuns || levels_.size() >= kPageRuns) {
    end_page();
  }
}

void ColumnWriter::end_page() {
  std::string body;
  if (spec_.nullable) put_levels(body, levels_);
  const Encoding encoding = put_values(body);
  chunk_.size_unpacked += packer_->put_data(chunk_.pages, page_rows_, encoding, body);
  chunk_.encodings.insert(encoding);
  chunk_.rows += page_rows_;
  page_rows_ = 0;
  page_nulls_ = 0;
  levels_.clear();
  runs_.clear();
  plain_.clear();
}

Encoding ColumnWriter::put_values(std::string& body) {
  if (page_rows_ == page_nulls_) return Encoding::kPlain;
  if (spec_.kind == Kind::kBool) {
    put_bits(body, runs_);
    return Encoding::kPlain;
  }
  if (spec_.dictionary && !dictionary_is_full_) {
    const unsigned bits = dictionary_.index_bits();
    body += static_cast<char>(bits);
    put_hybrid(body, runs_, bits);
    return Encoding::kRleDictionary;
  }
  if (spec_.kind == Kind::kTime) {
    put_delta(body, as_times(plain_));
    return Encoding::kDeltaBinaryPacked;
  }
  body += plain_;
  return Encoding::kPlain;
}

Chunk ColumnWriter::take_chunk() {
  if (page_rows_ > 0) end_page();
  if (dictionary_.size() > 0) {
    chunk_.size_unpacked +=
        packer_->put_dictionary(chunk_.dictionary, dictionary_.size(), dictionary_.plain());
    chunk_.encodings.insert(Encoding::kPlain);
  }
  if (spec_.nullable) chunk_.encodings.insert(Encoding::kRle);
  chunk_.statistics = {null_count_, bounds()};
  dictionary_.clear();
  dictionary_is_full_ = false;
  null_count_ = 0;
  extents_ = {};
  texts_ = {};
  return std::exchange(chunk_, {});
}

std::optional<Bounds> ColumnWriter::bounds() const {
  switch (spec_.kind) {
    case Kind::kI64:
    case Kind::kTime: return std::get<Extent<std::int64_t>>(extents_).bounds();
    case Kind::kU64: return std::get<Extent<std::uint64_t>>(extents_).bounds();
    case Kind::kF64: return std::get<Extent<double>>(extents_).bounds();
    case Kind::kBool: return std::get<Extent<std::uint8_t>>(extents_).bounds();
    case Kind::kText: return texts_.bounds();
  }
  return std::nullopt;
}

}  // namespace fieldpost::coordinator::parquet
