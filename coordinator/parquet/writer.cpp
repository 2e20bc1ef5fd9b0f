#include "coordinator/parquet/writer.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "coordinator/parquet/column_writer.h"
#include "coordinator/parquet/footer_writer.h"
#include "coordinator/parquet/format.h"
#include "coordinator/parquet/limits.h"
#include "proto/wire/names.h"

namespace fieldpost::coordinator::parquet {
namespace {

rt::Error failed(rt::Errc code, const std::string& why) {
  return {code, "writing a Parquet file: " + why};
}

rt::Status check_name(const std::string& name) {
  if (name.empty()) return failed(rt::Errc::kInvalid, "a column has no name");
  if (name.size() > kNameBytesMax) {
    return failed(rt::Errc::kInvalid, "the name of a column is too long");
  }
  if (!wire::is_utf8(name)) {
    return failed(rt::Errc::kInvalid, "the name of a column is not UTF-8");
  }
  return rt::ok();
}

rt::Status check_columns(std::span<const ColumnSpec> columns) {
  if (columns.empty() || columns.size() > kColumnsMax) {
    return failed(rt::Errc::kInvalid, "it cannot have " + std::to_string(columns.size()) +
                                          " columns, 1 to " + std::to_string(kColumnsMax) +
                                          " it can");
  }
  std::set<std::string_view> names;
  for (const ColumnSpec& column : columns) {
    if (auto name = check_name(column.name); !name) return name;
    if (!names.insert(column.name).second) {
      return failed(rt::Errc::kInvalid, "two columns are named \"" + column.name + "\"");
    }
  }
  return rt::ok();
}

}  // namespace

class Writer::State {
 public:
  State(std::vector<ColumnSpec> columns, WriterOptions options, Sink sink)
      : packer_(options.zstd_level),
        footer_(columns, std::move(options.sorted_by)),
        created_by_(std::move(options.created_by)),
        sink_(std::move(sink)) {
    for (ColumnSpec& column : columns) columns_.emplace_back(std::move(column), packer_);
  }

  /// The column, if it takes `count` more values of that kind.
  ColumnWriter& column(std::size_t index, std::size_t count,
                       std::initializer_list<Kind> kinds = {}) {
    FP_CHECK(index < columns_.size() && !finished_);
    ColumnWriter& column = columns_[index];
    FP_CHECK(kinds.size() == 0 || std::ranges::find(kinds, column.spec().kind) != kinds.end());
    FP_CHECK(count <= kGroupRowsMax - column.rows());
    return column;
  }

  [[nodiscard]] std::size_t rows(std::size_t index) const {
    FP_CHECK(index < columns_.size());
    return columns_[index].rows();
  }

  [[nodiscard]] std::size_t bytes_held() const {
    std::size_t bytes = footer_.size();
    for (const ColumnWriter& column : columns_) bytes += column.bytes_held();
    return bytes;
  }

  rt::Status end_row_group() {
    FP_CHECK(!finished_);
    if (failure_) return *failure_;
    if (auto begun = begin(); !begun) return begun;
    if (columns_[0].rows() == 0) return check_all_empty();
    if (footer_.row_groups() >= kRowGroupsMax || footer_.size() >= kFooterBytesMax / 2) {
      return fail("it has too many row groups");
    }
    return put_row_group();
  }

  rt::Status finish(std::span<const KeyValue> metadata) {
    if (auto ended = end_row_group(); !ended) return ended;
    finished_ = true;
    std::string tail = footer_.encode(created_by_, metadata);
    const auto size = static_cast<std::uint32_t>(tail.size());
    if (tail.size() > kFooterBytesMax) return fail("its metadata is too large");
    char bytes[sizeof size];
    std::memcpy(bytes, &size, sizeof size);
    tail.append(bytes, sizeof size);
    return put(tail.append(kMagic));
  }

 private:
  rt::Status check_all_empty() const {
    for (const ColumnWriter& column : columns_) FP_CHECK(column.rows() == 0);
    return rt::ok();
  }

  rt::Status fail(const char* why) { return *(failure_ = failed(rt::Errc::kFull, why)); }

  rt::Status begin() { return position_ == 0 ? put(kMagic) : rt::ok(); }

  rt::Status put_row_group() {
    std::vector<Chunk> chunks;
    for (ColumnWriter& column : columns_) chunks.push_back(column.take_chunk());
    for (const Chunk& chunk : chunks) FP_CHECK(chunk.rows == chunks[0].rows);
    footer_.add_row_group(position_, chunks);
    for (const Chunk& chunk : chunks) {
      if (auto taken = put(chunk.dictionary); !taken) return taken;
      if (auto taken = put(chunk.pages); !taken) return taken;
    }
    return rt::ok();
  }

  rt::Status put(std::string_view bytes) {
    if (bytes.empty()) return rt::ok();
    auto taken = sink_(bytes);
    if (!taken) failure_ = taken.error();
    position_ += bytes.size();
    return taken;
  }

  PagePacker packer_;
  FooterWriter footer_;
  std::string created_by_;
  Sink sink_;
  std::vector<ColumnWriter> columns_;
  std::uint64_t position_ = 0;
  std::optional<rt::Error> failure_;
  bool finished_ = false;
};

rt::Result<Writer> Writer::create(std::vector<ColumnSpec> columns, WriterOptions options,
                                  Sink sink) {
  if (auto checked = check_columns(columns); !checked) return checked.error();
  for (const SortKey& key : options.sorted_by) FP_CHECK(key.column < columns.size());
  return Writer(std::make_unique<State>(std::move(columns), std::move(options), std::move(sink)));
}

Writer::Writer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

void Writer::append_i64(std::size_t column, std::span<const std::int64_t> values) {
  state_->column(column, values.size(), {Kind::kI64, Kind::kTime}).append(values);
}

void Writer::append_u64(std::size_t column, std::span<const std::uint64_t> values) {
  state_->column(column, values.size(), {Kind::kU64}).append(values);
}

void Writer::append_f64(std::size_t column, std::span<const double> values) {
  state_->column(column, values.size(), {Kind::kF64}).append(values);
}

void Writer::append_bool(std::size_t column, bool value, std::size_t count) {
  state_->column(column, count, {Kind::kBool}).append_bool(value, count);
}

void Writer::append_text(std::size_t column, std::string_view text, std::size_t count) {
  FP_CHECK(text.size() <= kTextBytesMax);
  state_->column(column, count, {Kind::kText}).append_text(text, count);
}

void Writer::append_nulls(std::size_t column, std::size_t count) {
  state_->column(column, count).append_nulls(count);
}

std::size_t Writer::rows(std::size_t column) const {
  return state_->rows(column);
}

std::size_t Writer::bytes_held() const {
  return state_->bytes_held();
}

rt::Status Writer::end_row_group() {
  return state_->end_row_group();
}

rt::Status Writer::finish(std::span<const KeyValue> metadata) {
  return state_->finish(metadata);
}

}  // namespace fieldpost::coordinator::parquet
