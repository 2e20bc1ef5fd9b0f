#include "coordinator/imports/parquet_source.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "coordinator/imports/sample_rows.h"
#include "coordinator/parquet/reader.h"

namespace fieldpost::coordinator {
namespace {

using parquet::ColumnBatch;
using parquet::Kind;
using rt::Errc;
using rt::Error;
using rt::Result;
using rt::Status;
using wire::ValueType;

constexpr std::size_t kRowsAtOnce = 8192;

/// Which columns of the file hold what; its index in the list of those that are read.
struct Layout {
  static constexpr std::size_t kNone = SIZE_MAX;
  std::vector<std::size_t> columns;  ///< of the file
  std::size_t time = kNone, node = kNone, series = kNone;
  std::size_t value = kNone;  ///< raw doubles where they have no column of their own
  std::size_t raw_f64 = kNone, raw_i64 = kNone, raw_u64 = kNone, raw_bool = kNone, raw_text = kNone;

  [[nodiscard]] std::size_t of(ValueType type) const {
    switch (type) {
      case ValueType::kF64: return raw_f64 != kNone ? raw_f64 : value;
      case ValueType::kI64: return raw_i64;
      case ValueType::kU64: return raw_u64;
      case ValueType::kBool: return raw_bool;
      case ValueType::kString: return raw_text;
    }
    return kNone;
  }
};

Result<Layout> layout_of(const parquet::Reader& reader) {
  Layout out;
  struct Wanted {
    const char* name;
    Kind kind;
    std::size_t Layout::*place;
    bool is_required;
  };
  static constexpr std::array<Wanted, 9> kWanted{
      {{"time", Kind::kTime, &Layout::time, true},
       {"node", Kind::kText, &Layout::node, true},
       {"series", Kind::kText, &Layout::series, true},
       {"value", Kind::kF64, &Layout::value, false},
       {"raw_f64", Kind::kF64, &Layout::raw_f64, false},
       {"raw_i64", Kind::kI64, &Layout::raw_i64, false},
       {"raw_u64", Kind::kU64, &Layout::raw_u64, false},
       {"raw_bool", Kind::kBool, &Layout::raw_bool, false},
       {"raw_text", Kind::kText, &Layout::raw_text, false}}};
  for (const Wanted& wanted : kWanted) {
    const auto columns = reader.columns();
    const auto found = std::ranges::find_if(columns, [&](const parquet::Column& column) {
      return column.spec.name == wanted.name && column.spec.kind == wanted.kind &&
             column.unreadable.empty();
    });
    if (found != columns.end()) {
      out.*wanted.place = out.columns.size();
      out.columns.push_back(static_cast<std::size_t>(found - columns.begin()));
    } else if (wanted.is_required) {
      return Error{Errc::kInvalid,
                   std::string("no Parquet file of an export: it has no column \"") + wanted.name +
                       "\" of the right type"};
    }
  }
  return out;
}

bool is_there(const ColumnBatch& column, std::size_t row) {
  return column.present.empty() || column.present[row] != 0;
}

std::string_view text_of(const ColumnBatch& column, std::size_t row) {
  return is_there(column, row) ? column.texts[static_cast<std::size_t>(column.words[row])]
                               : std::string_view();
}

class ParquetSource final : public ImportSource {
 public:
  ParquetSource(parquet::Reader reader, Layout layout)
      : reader_(std::move(reader)), layout_(std::move(layout)) {}

  Result<bool> read(ImportSink& sink, ImportPlace& place) override {
    while (!sink.is_full()) {
      if (taken_ == held_.count) {
        auto more = hold_next();
        if (!more || !*more) return more;
      }
      take_held(sink, place);
    }
    return true;
  }

  [[nodiscard]] double part() const override {
    const auto rows = static_cast<double>(std::max<std::uint64_t>(1, reader_.rows()));
    return std::min(1.0, static_cast<double>(row_) / rows);
  }

 private:
  /// The next rows of the file; none where a row group ends. false: there are no more.
  Result<bool> hold_next() {
    if (!group_) {
      if (next_group_ == reader_.row_groups()) return false;
      auto begun = reader_.read_row_group(next_group_, layout_.columns);
      if (!begun) return begun.error();
      group_ = *std::move(begun);
      next_group_ += 1;
    }
    const auto rows = group_->next(kRowsAtOnce);
    if (!rows) return rows.error();
    held_ = *rows;
    taken_ = 0;
    if (held_.count == 0) group_.reset();
    return true;
  }

  /// Those of them that lie behind the place, until the sink is full: texts of a few rows may fill
  /// it.
  void take_held(ImportSink& sink, ImportPlace& place) {
    while (taken_ < held_.count && !sink.is_full()) {
      const std::size_t at = taken_++;
      row_ += 1;
      sink.pass(1);
      if (row_ <= place.row) continue;
      place.row = row_;
      if (auto done = add_row(held_.columns, at); !done) sink.complain(row_, done.error().message);
      if (rows_.is_full()) rows_.give(sink);
    }
    rows_.give(sink);
  }

  Status add_row(std::span<const ColumnBatch> columns, std::size_t row) {
    const ColumnBatch& time = columns[layout_.time];
    if (!is_there(time, row)) return Error{Errc::kInvalid, "there is no time"};
    const auto at =
        rows_.find(text_of(columns[layout_.node], row), text_of(columns[layout_.series], row));
    if (!at) return at.error();
    const std::size_t place = layout_.of((*at)->type);
    if (place == Layout::kNone || !is_there(columns[place], row)) {
      return Error{Errc::kInvalid, "there is no raw value"};
    }
    const auto when = static_cast<std::int64_t>(time.words[row]);
    if ((*at)->type == ValueType::kString) {
      return rows_.add_text(**at, when, text_of(columns[place], row));
    }
    rows_.add(**at, when, columns[place].words[row]);
    return rt::ok();
  }

  parquet::Reader reader_;
  Layout layout_;
  std::optional<parquet::RowGroupReader> group_;
  std::size_t next_group_ = 0;
  parquet::Rows held_;     ///< of the group
  std::size_t taken_ = 0;  ///< of them
  std::uint64_t row_ = 0;  ///< taken of the file
  SampleRows rows_;
};

}  // namespace

Result<std::unique_ptr<ImportSource>> open_parquet_source(rt::Files& files,
                                                          const std::string& path) {
  const auto info = files.info(path);
  if (!info) return info.error();
  auto reader = parquet::Reader::open(
      info->size, [&files, path](std::uint64_t offset, std::size_t size) -> Result<std::string> {
        auto bytes = files.read(path, offset, size);
        if (bytes && bytes->size() < size) return Error{Errc::kCorrupt, "the file is shorter now"};
        return bytes;
      });
  if (!reader) return reader.error();
  auto layout = layout_of(*reader);
  if (!layout) return layout.error();
  return std::unique_ptr<ImportSource>(
      std::make_unique<ParquetSource>(*std::move(reader), *std::move(layout)));
}

}  // namespace fieldpost::coordinator
