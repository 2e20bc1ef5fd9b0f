#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto/rt/result.h"

namespace fieldpost::coordinator {

/// GitHub sends no more.
inline constexpr std::size_t kHookBodyBytesMax = 25 << 20;

/// Reads what a forge sent. Members are named by their path ("repository/full_name"); what is not
/// there, or is of another type than asked for, counts as absent: forges add members, and leave
/// some out of some events. Only members of a known name are kept. A value that shares its
/// document.
class HookJson {
 public:
  static constexpr std::size_t kValuesMax = 1'000'000;
  static constexpr std::size_t kTextBytesMax = 4096;

  /// kFull: more than kHookBodyBytesMax or kValuesMax; kInvalid: no JSON object, or it nests deeper
  /// than rt::kJsonDepthMax. A large body takes many milliseconds.
  static rt::Result<HookJson> parse(std::string_view body);

  /// A string of at most kTextBytesMax bytes without control characters; else empty.
  [[nodiscard]] std::string text(std::string_view path) const;
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view path) const;
  [[nodiscard]] bool flag(std::string_view path) const;
  [[nodiscard]] bool has(std::string_view path) const;  ///< null counts as absent
  /// Of a list; 0 when there is none.
  [[nodiscard]] std::size_t count(std::string_view path) const;
  void for_each(std::string_view path, const std::function<void(const HookJson&)>& take) const;
  /// The strings of a list that `text` would give.
  void for_each_text(std::string_view path, const std::function<void(std::string)>& take) const;

 private:
  explicit HookJson(std::shared_ptr<const void> value) : value_(std::move(value)) {}
  [[nodiscard]] const void* find(std::string_view path) const;

  std::shared_ptr<const void> value_;  ///< an object of the document, which lives as long
};

}  // namespace fieldpost::coordinator
