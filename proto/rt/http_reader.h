#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "proto/rt/http.h"

namespace fieldpost::rt {

struct HttpReadLimits {
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t body_bytes_max = 32 << 20;
};

/// Turns the bytes of one connection into its requests, strictly: what two servers could read in
/// two ways is refused (no request smuggling). No socket; the same bytes give the same steps
/// however they are cut.
class HttpReader {
 public:
  explicit HttpReader(HttpReadLimits limits);
  ~HttpReader();

  /// Room for the next bytes; then say how many of them came.
  [[nodiscard]] std::span<char> prepare();
  void commit(std::size_t size);

  enum class Step : std::uint8_t {
    kNeedMore,  ///< prepare, commit, and come again
    kHeader,    ///< the header is there and right; said once a request
    kWhole,     ///< `take_request` may be called
    kBad,       ///< the connection is of no more use: see `problem`
  };
  [[nodiscard]] Step step();

  /// No byte of a request has come.
  [[nodiscard]] bool is_idle() const;
  /// After kHeader: the client waits for "100 Continue" before it sends the body.
  [[nodiscard]] bool expects_continue() const;
  /// What the body holds or will hold, at least; 0 before kHeader.
  [[nodiscard]] std::size_t body_bytes() const;
  /// After kHeader.
  [[nodiscard]] bool keeps_alive() const;
  [[nodiscard]] bool is_http_1_0() const;
  [[nodiscard]] bool is_head() const;

  /// After kWhole, once. `peer` stays empty. The bytes after it belong to the next request.
  [[nodiscard]] HttpRequest take_request();

  struct Problem {
    int status = 0;
    std::string detail;
  };
  [[nodiscard]] const Problem& problem() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fieldpost::rt
