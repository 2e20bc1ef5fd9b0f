#include "coordinator/parquet/reader.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "coordinator/parquet/chunk_bytes.h"
#include "coordinator/parquet/column_reader.h"
#include "coordinator/parquet/footer.h"
#include "coordinator/parquet/format.h"
#include "coordinator/parquet/limits.h"
#include "coordinator/parquet/page_unpacker.h"

namespace fieldpost::coordinator::parquet {
namespace {

rt::Error failed(rt::Errc code, const std::string& why) {
  return {code, "reading a Parquet file: " + why};
}

rt::Error failed(const rt::Error& why) {
  return failed(why.code, why.message);
}

rt::Error not_parquet() {
  return failed(rt::Errc::kInvalid, "it is none, or was cut short");
}

struct Tail {
  std::uint64_t footer_begin = 0;
  std::size_t footer_size = 0;
};

rt::Result<Tail> read_tail(std::uint64_t file_size, const ReadAt& read_at) {
  if (file_size < kMagic.size() + kTailBytes || file_size > INT64_MAX) return not_parquet();
  const auto bytes = read_exactly(read_at, file_size - kTailBytes, kTailBytes);
  if (!bytes) return bytes.error();
  if (bytes->ends_with(kEncryptedMagic)) {
    return failed(rt::Errc::kInvalid, "it is encrypted, which is not supported");
  }
  if (!bytes->ends_with(kMagic)) return not_parquet();
  std::uint32_t size = 0;
  std::memcpy(&size, bytes->data(), sizeof size);
  if (size > kFooterBytesMax) return failed(rt::Errc::kInvalid, "its footer is too large");
  if (size > file_size - kTailBytes - kMagic.size()) {
    return failed(rt::Errc::kCorrupt, "its footer is longer than the file");
  }
  return Tail{file_size - kTailBytes - size, size};
}

rt::Result<Footer> read_footer(std::uint64_t file_size, const ReadAt& read_at) {
  const auto magic = read_exactly(read_at, 0, std::min<std::uint64_t>(kMagic.size(), file_size));
  if (!magic) return magic.error();
  if (*magic != kMagic) return not_parquet();
  const auto tail = read_tail(file_size, read_at);
  if (!tail) return tail.error();
  const auto bytes = read_exactly(read_at, tail->footer_begin, tail->footer_size);
  if (!bytes) return bytes.error();
  auto footer = decode_footer(*bytes, tail->footer_begin);
  if (!footer) return failed(footer.error());
  return footer;
}

}  // namespace

class Reader::State {
 public:
  State(Footer footer, ReadAt read_at) : footer_(std::move(footer)), read_at_(std::move(read_at)) {
    for (const FileColumn& column : footer_.columns) {
      columns_.push_back({column.spec, column.unreadable});
    }
  }

  [[nodiscard]] const FileColumn& column(std::size_t index) const {
    FP_CHECK(index < footer_.columns.size());
    return footer_.columns[index];
  }

  [[nodiscard]] const FileRowGroup& row_group(std::size_t index) const {
    FP_CHECK(index < footer_.row_groups.size());
    return footer_.row_groups[index];
  }

  Footer footer_;
  ReadAt read_at_;
  std::vector<Column> columns_;
  PageUnpacker unpacker_;
};

class RowGroupReader::State {
 public:
  State(std::size_t index, std::uint64_t rows) : index_(index), rows_left_(rows) {}

  rt::Status add(const FileColumn& column, const FileChunk& chunk, const ReadAt& read_at,
                 PageUnpacker& unpacker) {
    if (!column.unreadable.empty()) return unusable(column, column.unreadable);
    if (chunk.elsewhere) return unusable(column, "it is encrypted or in another file");
    if (chunk.physical != column.physical || chunk.values != rows_left_) {
      return fail({rt::Errc::kCorrupt, "column \"" + column.spec.name + "\" is not as announced"});
    }
    columns_.emplace_back(column, chunk, rows_left_, read_at, unpacker, held_);
    return rt::ok();
  }

  rt::Result<Rows> next(std::size_t rows_max) {
    if (failure_) return *failure_;
    std::uint64_t count = std::min<std::uint64_t>(rows_max, rows_left_);
    if (count == 0) return Rows{};
    for (ColumnReader& column : columns_) {
      if (auto filled = column.fill(); !filled) return *(failure_ = fail(filled.error()));
      count = std::min<std::uint64_t>(count, column.available());
    }
    rows_left_ -= count;
    batches_.clear();
    for (ColumnReader& column : columns_) batches_.push_back(column.take(count));
    return Rows{static_cast<std::size_t>(count), batches_};
  }

 private:
  [[nodiscard]] rt::Error fail(const rt::Error& why) const {
    return failed(why.code, "row group " + std::to_string(index_) + ", " + why.message);
  }

  [[nodiscard]] static rt::Error unusable(const FileColumn& column, const std::string& why) {
    return failed(rt::Errc::kInvalid, "column \"" + column.spec.name + "\": " + why);
  }

  std::size_t index_;
  std::uint64_t rows_left_;
  HeldBytes held_;
  std::vector<ColumnReader> columns_;
  std::vector<ColumnBatch> batches_;
  std::optional<rt::Error> failure_;
};

rt::Result<Reader> Reader::open(std::uint64_t file_size, ReadAt read_at) {
  auto footer = read_footer(file_size, read_at);
  if (!footer) return footer.error();
  return Reader(std::make_unique<State>(*std::move(footer), std::move(read_at)));
}

Reader::Reader(std::unique_ptr<State> state) : state_(std::move(state)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

std::span<const Column> Reader::columns() const {
  return state_->columns_;
}

std::span<const KeyValue> Reader::metadata() const {
  return state_->footer_.metadata;
}

const std::string& Reader::created_by() const {
  return state_->footer_.created_by;
}

std::uint64_t Reader::rows() const {
  return state_->footer_.rows;
}

std::size_t Reader::row_groups() const {
  return state_->footer_.row_groups.size();
}

const Statistics& Reader::statistics(std::size_t row_group, std::size_t column) const {
  return state_->row_group(row_group).chunks[state_->column(column).leaf].statistics;
}

rt::Result<RowGroupReader> Reader::read_row_group(std::size_t row_group,
                                                  std::span<const std::size_t> columns) {
  const FileRowGroup& group = state_->row_group(row_group);
  auto reading = std::make_unique<RowGroupReader::State>(row_group, group.rows);
  for (const std::size_t index : columns) {
    const FileColumn& column = state_->column(index);
    auto added =
        reading->add(column, group.chunks[column.leaf], state_->read_at_, state_->unpacker_);
    if (!added) return added.error();
  }
  return RowGroupReader(std::move(reading));
}

RowGroupReader::RowGroupReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
RowGroupReader::RowGroupReader(RowGroupReader&&) noexcept = default;
RowGroupReader& RowGroupReader::operator=(RowGroupReader&&) noexcept = default;
RowGroupReader::~RowGroupReader() = default;

rt::Result<Rows> RowGroupReader::next(std::size_t rows_max) {
  return state_->next(rows_max);
}

}  // namespace fieldpost::coordinator::parquet
