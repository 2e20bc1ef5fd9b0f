#include "coordinator/exports/parquet_samples.h"

#include <algorithm>
#include <bit>
#include <span>
#include <utility>

#include "coordinator/exports/exported_bodies.h"
#include "coordinator/parquet/writer.h"
#include "coordinator/store/run.h"

namespace fieldpost::coordinator {
namespace {

using parquet::ColumnSpec;
using parquet::Kind;
using wire::ValueType;

/// Columns in the order in which the file has them; kNone: it has it not.
struct Places {
  static constexpr std::size_t kNone = SIZE_MAX;
  std::size_t value = kNone, raw_f64 = kNone, raw_i64 = kNone, raw_u64 = kNone, raw_bool = kNone,
              raw_text = kNone, file = kNone;
};
constexpr std::size_t kTime = 0, kFirstLabel = 1;

class ParquetSamples final : public SampleWriter {
 public:
  ParquetSamples(parquet::Writer writer, Places places, std::vector<parquet::KeyValue> metadata)
      : writer_(std::move(writer)), places_(places), metadata_(std::move(metadata)) {}

  rt::Status add(const SampleLabels& labels, const ReadingColumns& readings) override {
    if (labels.series != series_ || labels.recording != recording_) {
      if (writer_.rows(kTime) >= kRowGroupRowsMin) {
        if (auto done = writer_.end_row_group(); !done) return done;
      }
      series_ = labels.series;
      recording_ = labels.recording;
    }
    for (std::size_t at = 0; at < readings.times.size();) {
      const std::size_t room = kRowGroupRowsMax - writer_.rows(kTime);
      const std::size_t count = std::min(room, readings.times.size() - at);
      add_rows(labels, readings, at, count);
      at += count;
      const bool is_full =
          writer_.rows(kTime) >= kRowGroupRowsMax || writer_.bytes_held() >= kRowGroupBytesMax;
      if (!is_full) continue;
      if (auto done = writer_.end_row_group(); !done) return done;
    }
    return rt::ok();
  }

  rt::Status finish() override { return writer_.finish(metadata_); }

 private:
  void add_rows(const SampleLabels& labels, const ReadingColumns& readings, std::size_t at,
                std::size_t count) {
    writer_.append_i64(kTime, std::span(readings.times).subspan(at, count));
    std::size_t column = kFirstLabel;
    for (const std::string_view label : {labels.node, labels.sensor, labels.series,
                                         labels.recording, labels.participant, labels.task}) {
      writer_.append_text(column, label, count);
      column += 1;
    }
    add_values(labels, readings, at, count);
    add_raw(labels, readings, at, count);
    add_files(labels, readings, at, count);
  }

  void add_files(const SampleLabels& labels, const ReadingColumns& readings, std::size_t at,
                 std::size_t count) {
    if (places_.file == Places::kNone) return;
    if (labels.type != ValueType::kString) return writer_.append_nulls(places_.file, count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto reference = wire::decode_body_reference(readings.texts[at + i]);
      if (reference) writer_.append_text(places_.file, body_path(*reference));
      if (!reference) writer_.append_nulls(places_.file, 1);
    }
  }

  void add_values(const SampleLabels& labels, const ReadingColumns& readings, std::size_t at,
                  std::size_t count) {
    if (places_.value == Places::kNone) return;
    if (labels.type == ValueType::kString) return writer_.append_nulls(places_.value, count);
    doubles_.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      doubles_[i] = labels.calibration->apply(number_of(readings.values[at + i], labels.type));
    }
    writer_.append_f64(places_.value, doubles_);
  }

  /// Each row has its value in the raw column of its type, and none in the others.
  void add_raw(const SampleLabels& labels, const ReadingColumns& readings, std::size_t at,
               std::size_t count) {
    const std::pair<std::size_t, ValueType> columns[] = {{places_.raw_f64, ValueType::kF64},
                                                         {places_.raw_i64, ValueType::kI64},
                                                         {places_.raw_u64, ValueType::kU64},
                                                         {places_.raw_bool, ValueType::kBool},
                                                         {places_.raw_text, ValueType::kString}};
    for (const auto& [column, type] : columns) {
      if (column == Places::kNone) continue;
      if (type != labels.type) {
        writer_.append_nulls(column, count);
      } else {
        add_raw_of(column, type, readings, at, count);
      }
    }
  }

  void add_raw_of(std::size_t column, ValueType type, const ReadingColumns& readings,
                  std::size_t at, std::size_t count) {
    const auto bits = std::span(readings.values).subspan(at, count);
    switch (type) {
      case ValueType::kF64:
        for (std::size_t i = 0; i < count; ++i) doubles_[i] = std::bit_cast<double>(bits[i]);
        return writer_.append_f64(column, doubles_);
      case ValueType::kI64:
        integers_.resize(count);
        for (std::size_t i = 0; i < count; ++i) integers_[i] = std::bit_cast<std::int64_t>(bits[i]);
        return writer_.append_i64(column, integers_);
      case ValueType::kU64: return writer_.append_u64(column, bits);
      case ValueType::kBool:
        for (const std::uint64_t bit : bits) writer_.append_bool(column, bit != 0);
        return;
      case ValueType::kString:
        for (std::size_t i = 0; i < count; ++i) writer_.append_text(column, readings.texts[at + i]);
        return;
    }
  }

  parquet::Writer writer_;
  Places places_;
  std::vector<parquet::KeyValue> metadata_;
  std::string series_, recording_;  ///< of the rows before
  std::vector<double> doubles_;     ///< their memory is kept
  std::vector<std::int64_t> integers_;
};

std::vector<ColumnSpec> columns_of(const SampleFileHead& head, Places& places) {
  std::vector<ColumnSpec> columns = {{.name = "time", .kind = Kind::kTime}};
  for (const char* label : {"node", "sensor", "series", "recording", "participant", "task"}) {
    columns.push_back({.name = label, .kind = Kind::kText, .dictionary = true});
  }
  const auto add = [&](const char* name, Kind kind, bool nullable) {
    columns.push_back({.name = name, .kind = kind, .nullable = nullable});
    return columns.size() - 1;
  };
  const auto has = [&](ValueType type) { return head.types.contains(type); };
  const bool has_text = has(ValueType::kString);
  const bool has_others = head.types.size() > 1;
  if (has_others || !has_text) places.value = add("value", Kind::kF64, has_text);
  if (has(ValueType::kF64) && head.has_calibrated_f64) {
    places.raw_f64 = add("raw_f64", Kind::kF64, has_others);
  }
  if (has(ValueType::kI64)) places.raw_i64 = add("raw_i64", Kind::kI64, has_others);
  if (has(ValueType::kU64)) places.raw_u64 = add("raw_u64", Kind::kU64, has_others);
  if (has(ValueType::kBool)) places.raw_bool = add("raw_bool", Kind::kBool, has_others);
  if (has_text) {
    places.raw_text = add("raw_text", Kind::kText, has_others);
    columns.back().dictionary = true;
  }
  if (head.has_bodies) places.file = add("file", Kind::kText, true);
  return columns;
}

}  // namespace

rt::Result<std::unique_ptr<SampleWriter>> make_parquet_samples(SampleFileHead head,
                                                               wire::OutputFile& out) {
  Places places;
  auto columns = columns_of(head, places);
  std::vector<parquet::KeyValue> metadata;
  for (auto& [key, value] : head.metadata) metadata.push_back({std::move(key), std::move(value)});
  auto writer =
      parquet::Writer::create(std::move(columns), {.created_by = head.created_by, .sorted_by = {}},
                              [&out](std::string_view bytes) { return out.append(bytes); });
  if (!writer) return writer.error();
  return std::unique_ptr<SampleWriter>(
      std::make_unique<ParquetSamples>(*std::move(writer), places, std::move(metadata)));
}

}  // namespace fieldpost::coordinator
