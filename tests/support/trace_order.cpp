#include "tests/support/trace_order.h"

#include <map>
#include <sstream>
#include <utility>

namespace fieldpost::test {

namespace {

bool has(const std::string& line, const std::string& text) {
  return line.find(text) != line.npos;
}

class TraceReader {
 public:
  explicit TraceReader(const TraceMarks& marks) : marks_(marks) {}
  void take(const std::string& line);
  [[nodiscard]] const TraceOrder& order() const { return order_; }

 private:
  void take_sync(const std::string& thread, const std::string& line);
  void take_answer();

  const TraceMarks& marks_;
  TraceOrder order_;
  bool asked_ = false, synced_ = false;
  struct Sync {
    bool marked = false;  ///< of what must be synced
    bool asked = false;   ///< begun after the request
  };
  std::map<std::string, Sync> syncs_;  ///< begun and not over, by thread
};

/// Lines are `THREAD call(…) = 0`; a call that others interrupt comes as `call(… <unfinished ...>`
/// and later `<... call resumed>…) = 0`.
void TraceReader::take(const std::string& line) {
  const std::string thread = line.substr(0, line.find(' '));
  if (has(line, "fsync") || has(line, "fdatasync")) return take_sync(thread, line);
  if (has(line, marks_.answer) && (has(line, " write") || has(line, " send"))) {
    return take_answer();
  }
  const bool read = has(line, " read") || has(line, " recv") || has(line, "<... re");
  if (read && has(line, marks_.request)) {
    asked_ = true;
    synced_ = false;
    for (auto& [reader, sync] : syncs_) sync.asked = false;
  }
}

void TraceReader::take_sync(const std::string& thread, const std::string& line) {
  if (!has(line, "resumed>")) syncs_[thread] = {has(line, marks_.synced), asked_};
  if (has(line, "<unfinished")) return;
  const Sync sync = std::exchange(syncs_[thread], {});
  const bool done = line.ends_with("= 0") || line.ends_with("= 0 (DELAYED)");
  if (!done || !sync.marked) return;
  order_.syncs += 1;
  synced_ = synced_ || sync.asked;
}

void TraceReader::take_answer() {
  order_.answers += 1;
  if (!asked_ || !synced_) order_.unsynced += 1;
  asked_ = synced_ = false;
}

}  // namespace

TraceOrder check_trace(const std::string& trace, const TraceMarks& marks) {
  TraceReader reader(marks);
  std::istringstream lines(trace);
  for (std::string line; std::getline(lines, line);) reader.take(line);
  return reader.order();
}

}  // namespace fieldpost::test
