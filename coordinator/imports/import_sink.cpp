#include "coordinator/imports/import_sink.h"

#include <fmt/format.h>

#include <utility>

namespace fieldpost::coordinator {

void ImportSink::add(const std::string& node, wire::ParsedLines lines) {
  if (lines.readings == 0) return;
  readings_ += lines.readings;
  for (const std::string& key : lines.keys) bytes_ += key.size();
  for (const wire::Column& column : lines.columns) {
    for (const std::string& text : column.strings) bytes_ += text.size();
  }
  nodes_[node].push_back(std::move(lines));
}

void ImportSink::complain(std::uint64_t row, std::string_view what) {
  step_.rows_bad += 1;
  if (step_.problems.size() == kImportProblemsMax) return;
  const std::string place = file_.empty() ? std::string() : file_ + ", ";
  step_.problems.push_back(fmt::format("{}row {}: {}", place, row, what));
}

bool ImportSink::is_full() const {
  return readings_ >= kReadingsMax || bytes_ >= kBytesMax || rows_ >= kRowsMax;
}

/// The encoder cuts records so that each keeps the bounds of the format.
rt::Result<ImportStep> ImportSink::take() {
  wire::BatchEncoder encoder({});
  for (auto& [node, pieces] : nodes_) {
    wire::ReadingsBatch batch;
    batch.pieces = std::move(pieces);
    auto records = encoder.encode(std::move(batch));
    if (!records) return records.error();
    for (wire::EncodedReadings& each : *records) {
      step_.readings.push_back({node, std::move(each)});
    }
  }
  return std::move(step_);
}

}  // namespace fieldpost::coordinator
