#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto/rt/http.h"

namespace fieldpost::test {

/// What became of one request.
struct FakeAnswer {
  std::optional<rt::HttpResponse> response;
  bool streaming = false;  ///< a stream began
  int stream_status = 0;
  std::optional<std::uint64_t> stream_size;  ///< as it was told beforehand
  bool ended = false;                        ///< and was dropped
  bool cut = false;
  bool auto_drain = true;  ///< every `send` is read at once
  rt::HttpHeaders stream_headers;
  std::string text;  ///< sent over the stream
  std::size_t unsent = 0;
  std::function<void()> on_closed;
  std::function<void()> on_drained;

  FakeAnswer() = default;
  FakeAnswer(const FakeAnswer&) = delete;
  FakeAnswer& operator=(const FakeAnswer&) = delete;
  ~FakeAnswer();

  /// The client reads what is unsent.
  void drain();
  /// The client goes away.
  void leave();
};

/// A responder that writes into `answer`, which outlives it.
[[nodiscard]] std::shared_ptr<rt::HttpResponder> make_responder(FakeAnswer& answer);

/// "GET /a?b=c" and perhaps header fields and a body.
[[nodiscard]] rt::HttpRequest make_request(std::string_view method, std::string_view target,
                                           rt::HttpHeaders headers = {}, std::string body = {});

}  // namespace fieldpost::test
