#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/replay/fresh_columns.h"
#include "coordinator/store/import_step.h"
#include "proto/rt/result.h"
#include "proto/wire/line_protocol.h"

namespace fieldpost::coordinator {

/// Gathers what one step of an import brings in.
class ImportSink {
 public:
  static constexpr std::size_t kReadingsMax = 1 << 16;  ///< then it is full
  static constexpr std::size_t kBatchesMax = 256;       ///< the same

  explicit ImportSink(const wire::Rank& rank) : rank_(rank) {}

  /// `node` is a valid name. Keys that are not canonical come to light in `take`.
  rt::Status add(const std::string& node, const wire::ParsedLines& lines);
  /// A row that is left out; `row` from 1.
  void complain(std::uint64_t row, std::string_view what);
  [[nodiscard]] bool is_full() const;

  /// What was gathered. kInvalid: a key is not canonical.
  rt::Result<ImportStep> take();

 private:
  rt::Status close(const std::string& node, FreshColumns& columns);

  wire::Rank rank_;
  std::map<std::string, FreshColumns> nodes_;
  std::size_t readings_ = 0;
  ImportStep step_;
};

}  // namespace fieldpost::coordinator
