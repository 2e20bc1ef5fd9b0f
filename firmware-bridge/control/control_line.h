#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fieldpost::bridge {

/// The control socket: JSON objects, a line each, in either direction.
///
///   {"verb":"devices"}                  {"devices":[{"name":…,"port":…,…}]}
///   {"verb":"images","device":NAME}     {"images":[{"sha256":…,"version":…,"bytes":…}]}
///   {"verb":"flash","id":ID,…}          {"step":"write","percent":40} …, last {"outcome":…}
///   {"verb":"flash_result","id":ID}     the same
///
/// What cannot be done is answered {"error":…,"code":…}; code "busy" means: ask again.

/// An image of 256 KiB has a megabyte as Intel HEX in base64.
inline constexpr std::size_t kControlLineBytesMax = 3 << 19;

/// Lines out of a stream of bytes.
class LineBuffer {
 public:
  void add(std::string_view bytes);
  /// Takes the next whole line out, without its end.
  bool next(std::string& line);
  /// More is buffered than a line may have.
  [[nodiscard]] bool is_too_long() const { return text_.size() - taken_ > kControlLineBytesMax; }

 private:
  std::string text_;
  std::size_t taken_ = 0;  ///< of its begin
};

}  // namespace fieldpost::bridge
