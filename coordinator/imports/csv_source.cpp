#include "coordinator/imports/csv_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "coordinator/imports/csv_reader.h"
#include "coordinator/imports/sample_rows.h"
#include "proto/mapping/form_mapping.h"
#include "proto/wire/names.h"
#include "proto/wire/rfc3339.h"
#include "proto/wire/topics.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;
using rt::Status;

constexpr std::size_t kRowsAtOnce = 512;
constexpr std::size_t kBytesAtOnce = 1 << 20;

Error invalid(std::string what) {
  return {Errc::kInvalid, std::move(what)};
}

/// Where a column is. kInvalid: nowhere.
Result<std::size_t> place_of(const CsvRow& columns, std::string_view name) {
  const auto found = std::ranges::find(columns, name);
  if (found != columns.end()) return static_cast<std::size_t>(found - columns.begin());
  return invalid(fmt::format("there is no column {}; there are {}", wire::quoted(name),
                             fmt::join(columns, ", ")));
}

/// Takes rows, one kind of file each.
class RowTaker {
 public:
  virtual ~RowTaker() = default;
  virtual Status take(CsvRow row) = 0;
  virtual void give(ImportSink& sink) = 0;
};

/// Of exports.
class SampleTaker final : public RowTaker {
 public:
  static Result<std::unique_ptr<RowTaker>> make(const CsvRow& columns) {
    std::array<std::size_t, 4> places{};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      const auto place = place_of(columns, kNames[i]);
      if (!place) {
        return invalid("no CSV of an export, and no \"mapping\" says what its columns are: " +
                       place.error().message);
      }
      places[i] = *place;
    }
    return std::unique_ptr<RowTaker>(std::make_unique<SampleTaker>(places));
  }
  explicit SampleTaker(std::array<std::size_t, 4> places) : places_(places) {}

  Status take(CsvRow row) override {
    const auto time = wire::parse_rfc3339(row[places_[0]]);
    if (!time) return time.error();
    const auto place = rows_.find(row[places_[1]], row[places_[2]]);
    if (!place) return place.error();
    return rows_.add_value(**place, time->ns, row[places_[3]]);
  }
  void give(ImportSink& sink) override { rows_.give(sink); }

 private:
  static constexpr std::array<std::string_view, 4> kNames{"time", "node", "series", "raw"};
  std::array<std::size_t, 4> places_;
  SampleRows rows_;
};

/// Of anything: a row is taken like a form whose parameters are the columns.
class MappedTaker final : public RowTaker {
 public:
  static Result<std::unique_ptr<RowTaker>> make(const CsvRow& columns,
                                                const ImportRequest& request) {
    std::vector<std::string> wanted{request.mapping->time_pointer};
    for (const auto& field : request.mapping->fields) wanted.push_back(field.pointer);
    for (const auto& [tag, column] : request.mapping->tag_pointers) wanted.push_back(column);
    if (!request.node_from.empty()) wanted.push_back(request.node_from);
    std::ranges::sort(wanted);
    wanted.erase(std::ranges::unique(wanted).begin(), wanted.end());
    std::vector<std::pair<std::string, std::size_t>> places;
    for (std::string& name : wanted) {
      const auto place = place_of(columns, name);
      if (!place) return place.error();
      places.emplace_back(std::move(name), *place);
    }
    return std::unique_ptr<RowTaker>(std::make_unique<MappedTaker>(std::move(places), request));
  }
  MappedTaker(std::vector<std::pair<std::string, std::size_t>> places, const ImportRequest& request)
      : places_(std::move(places)), request_(request) {}

  Status take(CsvRow row) override {
    mapping::FormParameters parameters;
    std::string node = request_.node;
    for (const auto& [name, place] : places_) {
      if (name == request_.node_from && !row[place].empty()) node = row[place];
      parameters.emplace_back(name, std::move(row[place]));
    }
    if (!wire::is_valid_id(node)) {
      return invalid("no name of a node: " + wire::quoted(node));
    }
    // Into a builder of its own first: what does not fit leaves nothing behind.
    mapping::ReadingsBuilder builder;
    auto done = mapping::add_form(*request_.mapping, parameters, {}, builder);
    if (done) done = keep(node, builder.lines());
    return done;
  }
  void give(ImportSink& sink) override {
    for (auto& [node, builder] : nodes_) sink.add(node, std::move(builder.lines()));
    nodes_.clear();
  }

 private:
  Status keep(const std::string& node, const wire::ParsedLines& lines) {
    mapping::ReadingsBuilder& builder = nodes_[node];
    for (std::size_t c = 0; c < lines.columns.size(); ++c) {
      const auto key = wire::SeriesKey::parse(lines.keys[c]);
      if (!key) return key.error();
      const wire::Column& column = lines.columns[c];
      // Two fields may be called the same.
      for (std::size_t i = 0; i < column.count(); ++i) {
        mapping::DeviceValue value{lines.types[c], column.values[i], {}};
        if (value.type == wire::ValueType::kString) {
          value.text = column.strings[static_cast<std::size_t>(value.bits)];
        }
        builder.add(*key, column.times[i], std::move(value));
      }
    }
    return rt::ok();
  }

  std::vector<std::pair<std::string, std::size_t>> places_;  ///< columns that are wanted
  ImportRequest request_;
  std::map<std::string, mapping::ReadingsBuilder> nodes_;
};

class CsvSource final : public ImportSource {
 public:
  /// `first_row`: of those that name columns, which count where a row is told.
  CsvSource(std::unique_ptr<CsvReader> reader, std::unique_ptr<RowTaker> taker, std::size_t columns,
            std::uint64_t first_row)
      : reader_(std::move(reader)),
        taker_(std::move(taker)),
        columns_(columns),
        first_row_(first_row) {}

  Result<bool> read(ImportSink& sink, ImportPlace& place) override {
    CsvRow row;
    for (bool more = true; more && !sink.is_full();) {
      std::size_t rows = 0, bytes = 0;
      while (rows < kRowsAtOnce && bytes < kBytesAtOnce) {
        auto next = reader_->next(row);
        if (!next) return next;
        more = *next;
        if (!more) break;
        rows += 1;
        row_ += 1;
        if (row_ <= place.row) continue;
        place.row = row_;
        for (const std::string& field : row) bytes += field.size();
        if (auto done = take(std::move(row)); !done) {
          sink.complain(row_ + first_row_, done.error().message);
        }
      }
      sink.pass(rows);
      taker_->give(sink);
      if (!more) return false;
    }
    return true;
  }
  [[nodiscard]] double part() const override { return reader_->part(); }

 private:
  Status take(CsvRow row) {
    if (row.size() == columns_) return taker_->take(std::move(row));
    return invalid(fmt::format("it has {} fields, not {}", row.size(), columns_));
  }

  std::unique_ptr<CsvReader> reader_;
  std::unique_ptr<RowTaker> taker_;
  std::size_t columns_;
  std::uint64_t first_row_;
  std::uint64_t row_ = 0;  ///< read, without the one that names the columns
};

}  // namespace

Result<std::unique_ptr<ImportSource>> open_csv_source(rt::Files& files, const std::string& path,
                                                      const ImportRequest& request) {
  auto reader = std::make_unique<CsvReader>(files, path, request.delimiter);
  CsvRow columns = request.columns;
  const bool has_head = columns.empty();
  if (has_head) {
    const auto head = reader->next(columns);
    if (!head) return head.error();
    if (!*head) return invalid("the file is empty: not even its columns are named");
  }
  auto taker = request.mapping ? MappedTaker::make(columns, request) : SampleTaker::make(columns);
  if (!taker) return taker.error();
  return std::unique_ptr<ImportSource>(std::make_unique<CsvSource>(
      std::move(reader), *std::move(taker), columns.size(), has_head ? 1 : 0));
}

}  // namespace fieldpost::coordinator
