#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace fieldpost::bridge {

inline constexpr std::size_t kLineBytesMax = 4096;  ///< of a board's line, without its end

/// Finds the lines in a stream of bytes. One that is too long is passed over.
class LineSplitter {
 public:
  /// Without line feed and carriage returns before it; lives as long as the call.
  using OnLine = std::function<void(std::string_view line)>;

  void feed(std::string_view bytes, const OnLine& on_line);
  /// What is there without an end is a line, too.
  void finish(const OnLine& on_line);
  /// What has begun is nothing.
  void forget();
  /// Counted as soon as they are.
  [[nodiscard]] std::uint64_t too_long() const { return too_long_; }

 private:
  void add(std::string_view piece);
  void end(const OnLine& on_line);

  std::string partial_;
  bool overlong_ = false;  ///< the line that has begun is too long
  std::uint64_t too_long_ = 0;
};

}  // namespace fieldpost::bridge
