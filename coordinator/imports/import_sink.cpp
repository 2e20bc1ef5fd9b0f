#include "coordinator/imports/import_sink.h"

#include <fmt/format.h>

#include <utility>

namespace fieldpost::coordinator {

rt::Status ImportSink::add(const std::string& node, const wire::ParsedLines& lines) {
  if (lines.readings == 0) return rt::ok();
  FreshColumns& columns = nodes_.try_emplace(node, wire::Id128{}).first->second;
  columns.add(lines, rank_);
  readings_ += lines.readings;
  return columns.is_full() ? close(node, columns) : rt::ok();
}

void ImportSink::complain(std::uint64_t row, std::string_view what) {
  step_.rows_bad += 1;
  if (step_.problems.size() == kImportProblemsMax) return;
  step_.problems.push_back(fmt::format("row {}: {}", row, what));
}

bool ImportSink::is_full() const {
  return readings_ >= kReadingsMax || step_.readings.size() + nodes_.size() >= kBatchesMax;
}

rt::Status ImportSink::close(const std::string& node, FreshColumns& columns) {
  auto fresh = columns.take();
  if (!fresh) return fresh.error();
  step_.readings.push_back({node, *std::move(fresh)});
  return rt::ok();
}

rt::Result<ImportStep> ImportSink::take() {
  for (auto& [node, columns] : nodes_) {
    if (columns.empty()) continue;
    if (auto done = close(node, columns); !done) return done.error();
  }
  return std::move(step_);
}

}  // namespace fieldpost::coordinator
