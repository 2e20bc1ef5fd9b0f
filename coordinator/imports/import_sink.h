#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/store/import_step.h"
#include "proto/rt/result.h"
#include "proto/wire/batch_encoder.h"
#include "proto/wire/line_protocol.h"

namespace fieldpost::coordinator {

/// Gathers what one step of an import brings in. It is full by any of its bounds, so that a step
/// is short and small whatever the file is like.
class ImportSink {
 public:
  static constexpr std::size_t kReadingsMax = 1 << 16;
  static constexpr std::size_t kBytesMax = 16 << 20;  ///< of texts and keys
  static constexpr std::uint64_t kRowsMax = 1 << 18;  ///< looked at, also for nothing

  /// `file` is named where a row of it is; empty: there is only one.
  explicit ImportSink(std::string file = {}) : file_(std::move(file)) {}

  /// `node` is a valid name, and no key is there twice.
  void add(const std::string& node, wire::ParsedLines lines);
  /// A row that is left out; `row` from 1.
  void complain(std::uint64_t row, std::string_view what);
  /// Rows were looked at.
  void pass(std::uint64_t rows) { rows_ += rows; }
  [[nodiscard]] bool is_full() const;

  /// What was gathered. kInvalid: a key is not canonical, or was there twice.
  rt::Result<ImportStep> take();

 private:
  std::string file_;
  std::map<std::string, std::vector<wire::ParsedLines>> nodes_;
  std::size_t readings_ = 0, bytes_ = 0;
  std::uint64_t rows_ = 0;
  ImportStep step_;
};

}  // namespace fieldpost::coordinator
