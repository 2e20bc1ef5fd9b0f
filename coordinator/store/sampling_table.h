#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

/// Seconds between measurements, by measurement.
using SamplingIntervals = std::map<std::string, double>;
[[nodiscard]] std::string encode_intervals(const SamplingIntervals& intervals);  ///< {"mem": 1.0}
[[nodiscard]] SamplingIntervals decode_intervals(std::string_view json);

enum class SamplingState : std::uint8_t { kWaiting, kConfirmed, kFailed };
[[nodiscard]] std::string_view to_string(SamplingState state);

/// What a node with an agent was told last of how often to measure.
struct ToldSampling {
  std::string node;
  SamplingIntervals every_s;  ///< empty: all as the node is configured, also if it was never told
  /// false: what it goes by is not known. Its spool is another one or was set back since it was
  /// told, or the store was.
  bool is_known = true;
  SamplingState state = SamplingState::kConfirmed;
  std::string detail;                 ///< of the command's outcome
  std::int64_t told = 0;              ///< ns; 0: never
  bool is_of_process_before = false;  ///< the agent started again since
};

/// What nodes were told. What changes runs inside the caller's transaction.
class SamplingTable {
 public:
  explicit SamplingTable(rt::Database& db) : db_(db) {}

  /// By node. `all`: nodes with an agent that were never told anything as well.
  rt::Result<std::vector<ToldSampling>> list(bool all);
  /// The node is told this by a command of this id.
  rt::Status note_told(const std::string& node, const SamplingIntervals& every_s,
                       std::uint64_t command, rt::UnixTime now);
  /// The highest id of a command that the node's spool knows of. Below that of one it answered: it
  /// was set back, and what it goes by is not known.
  rt::Status note_mark(std::int64_t node_no, std::uint64_t mark);
  /// It may have been told something that this store does not know.
  rt::Status note_unknown(std::int64_t node_no);

 private:
  rt::Database& db_;
};

}  // namespace fieldpost::coordinator
