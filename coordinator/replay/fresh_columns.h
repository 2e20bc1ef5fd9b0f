#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "coordinator/store/replacement.h"
#include "coordinator/store/run.h"
#include "proto/rt/result.h"
#include "proto/wire/line_protocol.h"
#include "proto/wire/readings_codec.h"

namespace fieldpost::coordinator {

/// Gathers readings of one boot, each with the rank of its message, until they fill a batch.
class FreshColumns {
 public:
  static constexpr std::size_t kReadingsMax = 16'384;
  static constexpr std::size_t kTextBytesMax = 4 << 20;
  static constexpr std::size_t kSeriesMax = 1024;
  static constexpr std::size_t kKeyBytesMax = 64 * 1024;

  explicit FreshColumns(const wire::Id128& boot) : boot_(boot) {}

  void add(const wire::ParsedLines& lines, const wire::Rank& rank);
  [[nodiscard]] bool is_full() const;
  [[nodiscard]] bool empty() const { return readings_ == 0; }
  /// What was gathered; empty afterwards. kInvalid: a key is not canonical.
  rt::Result<FreshReadings> take();

 private:
  struct Series {
    wire::Column column;
    std::vector<wire::OriginRun> runs;
    Dictionary texts;  ///< of kString
  };
  void add_column(Series& series, const wire::Column& column, wire::ValueType type,
                  std::uint32_t origin);

  wire::Id128 boot_;
  std::vector<std::string> keys_;
  std::vector<Series> series_;
  std::unordered_map<std::string, std::size_t> places_;
  std::vector<wire::Rank> ranks_;  ///< origins
  std::size_t readings_ = 0;
  std::size_t text_bytes_ = 0;
  std::size_t key_bytes_ = 0;
};

}  // namespace fieldpost::coordinator
