#include "coordinator/exports/text_samples.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <iterator>
#include <utility>

#include "coordinator/exports/exported_bodies.h"
#include "coordinator/store/run.h"
#include "proto/rt/csv_text.h"
#include "proto/rt/json_text.h"
#include "proto/wire/rfc3339.h"

namespace fieldpost::coordinator {
namespace {

using wire::ValueType;

constexpr std::string_view kCsvHead =
    "time,node,sensor,series,recording,participant,task,value,raw";

/// The shortest text that reads back as the same double; "nan", "inf" and "-inf" beside.
void append_number(std::string& out, double value) {
  fmt::format_to(std::back_inserter(out), "{}", value);
}

/// Text lines, handed on when there are enough of them.
class TextSamples : public SampleWriter {
 public:
  TextSamples(wire::OutputFile& out, bool has_bodies) : has_bodies_(has_bodies), out_(out) {}

  rt::Status add(const SampleLabels& labels, const ReadingColumns& readings) override {
    const std::string middle = labels_text(labels);
    std::string lines;
    for (std::size_t i = 0; i < readings.times.size(); ++i) {
      Row row{readings.times[i], readings.values[i], {}};
      if (labels.type == ValueType::kString) row.text = readings.texts[i];
      append_line(lines, middle, labels, row);
      if (lines.size() < kPieceBytes) continue;
      if (auto done = out_.append(lines); !done) return done;
      lines.clear();
    }
    return out_.append(lines);
  }
  rt::Status finish() override { return rt::ok(); }

 protected:
  struct Row {
    std::int64_t time = 0;
    std::uint64_t value = 0;
    std::string_view text;
  };
  /// What is the same in all lines of a stretch.
  [[nodiscard]] virtual std::string labels_text(const SampleLabels& labels) const = 0;
  virtual void append_line(std::string& out, const std::string& middle, const SampleLabels& labels,
                           const Row& row) const = 0;
  virtual void append_double(std::string& out, double value) const = 0;
  virtual void append_text(std::string& out, std::string_view text) const = 0;

  /// The calibrated value (of texts none), `between`, and the raw one.
  void append_values(std::string& out, const SampleLabels& labels, const Row& row,
                     std::string_view between) const {
    const std::size_t begin = out.size();
    if (labels.type != ValueType::kString) {
      append_double(out, labels.calibration->apply(number_of(row.value, labels.type)));
    }
    const std::size_t size = out.size() - begin;
    out += between;
    if (labels.type == ValueType::kF64 && labels.calibration->is_none()) {
      out.append(out, begin, size);  // the same text, and a double's is slow to find
    } else {
      append_raw(out, labels.type, row);
    }
  }
  /// Of a row that tells of a body; empty: it does not.
  [[nodiscard]] static std::string file_of(const SampleLabels& labels, const Row& row) {
    if (labels.type != ValueType::kString) return {};
    const auto reference = wire::decode_body_reference(row.text);
    return reference ? body_path(*reference) : std::string();
  }
  bool has_bodies_;

 private:
  static constexpr std::size_t kPieceBytes = 64 * 1024;

  void append_raw(std::string& out, ValueType type, const Row& row) const {
    const auto into = std::back_inserter(out);
    switch (type) {
      case ValueType::kF64: return append_double(out, std::bit_cast<double>(row.value));
      case ValueType::kI64:
        fmt::format_to(into, "{}", std::bit_cast<std::int64_t>(row.value));
        return;
      case ValueType::kU64: fmt::format_to(into, "{}", row.value); return;
      case ValueType::kBool: out += row.value != 0 ? "true" : "false"; return;
      case ValueType::kString: return append_text(out, row.text);
    }
  }

  wire::OutputFile& out_;
};

class CsvSamples final : public TextSamples {
 public:
  using TextSamples::TextSamples;

 protected:
  [[nodiscard]] std::string labels_text(const SampleLabels& labels) const override {
    std::string out;
    for (const std::string_view label : {labels.node, labels.sensor, labels.series,
                                         labels.recording, labels.participant, labels.task}) {
      out += ',';
      rt::append_csv_text(out, label);
    }
    return out += ',';
  }

  void append_line(std::string& out, const std::string& middle, const SampleLabels& labels,
                   const Row& row) const override {
    wire::append_rfc3339(out, rt::UnixTime{row.time});
    out += middle;
    append_values(out, labels, row, ",");
    if (has_bodies_) out += ',';
    if (has_bodies_) out += file_of(labels, row);
    out += "\r\n";
  }
  void append_double(std::string& out, double value) const override { append_number(out, value); }
  void append_text(std::string& out, std::string_view text) const override {
    rt::append_csv_text(out, text);
  }
};

class JsonSamples final : public TextSamples {
 public:
  using TextSamples::TextSamples;

 protected:
  [[nodiscard]] std::string labels_text(const SampleLabels& labels) const override {
    std::string out;
    const std::pair<std::string_view, std::string_view> members[] = {
        {"node", labels.node},
        {"sensor", labels.sensor},
        {"series", labels.series},
        {"recording", labels.recording},
        {"participant", labels.participant},
        {"task", labels.task}};
    for (const auto& [name, value] : members) {
      if (value.empty()) continue;
      fmt::format_to(std::back_inserter(out), ",\"{}\":", name);
      rt::append_json_string(out, value);
    }
    return out;
  }

  void append_line(std::string& out, const std::string& middle, const SampleLabels& labels,
                   const Row& row) const override {
    out += "{\"time\":\"";
    wire::append_rfc3339(out, rt::UnixTime{row.time});
    out += '"';
    out += middle;
    if (labels.type != ValueType::kString) out += ",\"value\":";
    append_values(out, labels, row, ",\"raw\":");
    const std::string file = has_bodies_ ? file_of(labels, row) : std::string();
    if (!file.empty()) out += ",\"file\":\"" + file + '"';
    out += "}\n";
  }
  void append_double(std::string& out, double value) const override {
    if (!std::isfinite(value)) out += '"';
    append_number(out, value);
    if (!std::isfinite(value)) out += '"';
  }
  void append_text(std::string& out, std::string_view text) const override {
    rt::append_json_string(out, text);
  }
};

}  // namespace

rt::Result<std::unique_ptr<SampleWriter>> make_csv_samples(SampleFileHead head,
                                                           wire::OutputFile& out) {
  auto done = out.append(std::string(kCsvHead) + (head.has_bodies ? ",file\r\n" : "\r\n"));
  if (!done) return done.error();
  return std::unique_ptr<SampleWriter>(std::make_unique<CsvSamples>(out, head.has_bodies));
}

rt::Result<std::unique_ptr<SampleWriter>> make_json_samples(SampleFileHead head,
                                                            wire::OutputFile& out) {
  return std::unique_ptr<SampleWriter>(std::make_unique<JsonSamples>(out, head.has_bodies));
}

}  // namespace fieldpost::coordinator
