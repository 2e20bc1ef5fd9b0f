#pragma once

#include <string>

namespace fieldpost::test {

struct TraceMarks {
  std::string request;  ///< in what the process reads
  std::string synced;   ///< in the path of what it must sync in between
  std::string answer;   ///< in what it writes
};

struct TraceOrder {
  int answers = 0;
  int syncs = 0;     ///< whole ones, of what must be synced
  int unsynced = 0;  ///< answers without a whole sync between their request and them
};

/// Reads a trace of `strace -f -y` over reads, writes and syncs, in which one request is under way
/// at a time.
[[nodiscard]] TraceOrder check_trace(const std::string& trace, const TraceMarks& marks);

}  // namespace fieldpost::test
