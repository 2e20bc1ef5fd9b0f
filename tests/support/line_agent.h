#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "proto/rt/file_descriptor.h"

namespace fieldpost::test {

/// A reading as a line told it.
struct ToldReading {
  std::string series;  ///< "plant,device=bed temperature"
  std::string value;   ///< "21.5", "3i", "\"good\""
  std::string unit;    ///< that a line before it said
  std::optional<std::int64_t> time;
};

/// Takes lines at a unix socket as an agent does, answers `ok N` for each batch, and keeps what was
/// answered. One connection at a time, in a thread of its own; its calls are for one other thread.
class LineAgent {
 public:
  explicit LineAgent(std::string path);  ///< starts
  ~LineAgent();
  LineAgent(const LineAgent&) = delete;
  LineAgent& operator=(const LineAgent&) = delete;

  void start();
  void stop();  ///< its connections close; what was not answered is not kept

  /// In the order in which they came.
  [[nodiscard]] std::vector<ToldReading> told() const;
  [[nodiscard]] std::vector<ToldReading> told(std::string_view series) const;
  /// All but what a bridge says of its boards.
  [[nodiscard]] std::size_t measured() const;
  /// Of a series of numbers.
  [[nodiscard]] std::vector<double> values(std::string_view series) const;

 private:
  void run();
  void serve(int connection);
  /// Takes whole batches off the front; how many readings each has.
  [[nodiscard]] std::vector<std::size_t> take_batches(std::string& input);
  [[nodiscard]] std::size_t take_line(const std::string& line);

  std::string path_;
  rt::FileDescriptor listener_;
  std::atomic<bool> end_ = false;
  std::map<std::string, std::string, std::less<>> units_;  ///< of the connection
  mutable std::mutex mutex_;
  std::vector<ToldReading> told_;
  std::thread thread_;
};

}  // namespace fieldpost::test
