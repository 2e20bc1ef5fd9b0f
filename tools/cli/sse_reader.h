#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace fieldpost::cli {

/// Server-sent events out of bytes, however they are cut (HTML standard, 9.2.6).
class SseReader {
 public:
  using Take = std::function<bool(std::string_view event, std::string_view data)>;
  explicit SseReader(Take take) : take_(std::move(take)) {}
  /// False when `take` said so.
  bool feed(std::string_view bytes);

 private:
  bool on_line(std::string_view line);

  Take take_;
  std::string line_;
  std::string event_;
  std::string data_;
};

}  // namespace fieldpost::cli
