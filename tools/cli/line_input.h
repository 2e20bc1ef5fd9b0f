#pragma once

#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>

namespace fieldpost::cli {

/// Lines of a stream, without their ends. The last one needs none.
class LineInput {
 public:
  explicit LineInput(std::FILE* file) : file_(file) {}
  ~LineInput();
  LineInput(const LineInput&) = delete;
  LineInput& operator=(const LineInput&) = delete;
  std::optional<std::string> next();
  [[nodiscard]] std::size_t lines_read() const { return lines_read_; }
  /// How much of it was read, from 0 to 1; none when that has no end that is known: a pipe.
  [[nodiscard]] std::optional<double> part_read() const;

 private:
  std::FILE* file_;
  char* buffer_ = nullptr;  // of getline
  std::size_t size_ = 0;
  std::size_t lines_read_ = 0;
};

}  // namespace fieldpost::cli
