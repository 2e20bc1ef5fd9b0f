#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace fieldpost::rt {

[[noreturn]] inline void fail_check(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, condition);
  std::abort();
}

}  // namespace fieldpost::rt

/// Aborts with place and condition. For our own mistakes only, on in every build; never for input.
#define FP_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::fieldpost::rt::fail_check(__FILE__, __LINE__, #condition))

namespace fieldpost::rt {

/// What the caller can do about a failure.
enum class Errc : std::uint8_t {
  kBusy,         ///< retry soon
  kUnavailable,  ///< retry when the other side is back
  kInvalid,      ///< reject: the input is wrong
  kNotFound,     ///< reject: there is no such thing
  kDenied,       ///< reject: not permitted
  kFull,         ///< stop: a bound is reached or the disk is full
  kCorrupt,      ///< stop: stored bytes are damaged
  kIo,           ///< stop: the device or the operating system failed
};

[[nodiscard]] std::string_view to_string(Errc code);

struct Error {
  Errc code;
  std::string message;  ///< what was attempted, then why it failed; no trailing full stop
};

/// A value or an Error.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  [[nodiscard]] T& value() & { return (FP_CHECK(has_value()), std::get<0>(state_)); }
  [[nodiscard]] const T& value() const& { return (FP_CHECK(has_value()), std::get<0>(state_)); }
  [[nodiscard]] T&& value() && { return std::move(value()); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(value()); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  [[nodiscard]] const Error& error() const { return (FP_CHECK(!has_value()), std::get<1>(state_)); }
  [[nodiscard]] T value_or(T other) const { return has_value() ? value() : std::move(other); }

 private:
  std::variant<T, Error> state_;
};

struct Done {};
/// Success without a value, or an Error. Return `ok()` for success.
using Status = Result<Done>;
[[nodiscard]] inline Status ok() {
  return Done{};
}

}  // namespace fieldpost::rt
