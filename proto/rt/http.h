#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/rt/result.h"
#include "proto/rt/time.h"

namespace fieldpost::rt {

/// Header fields in order. Names compare without regard to case.
class HttpHeaders {
 public:
  HttpHeaders() = default;
  HttpHeaders(std::initializer_list<std::pair<std::string, std::string>> fields)
      : fields_(fields) {}
  void add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  /// The first field of that name; empty when there is none. Lives as long as the field.
  [[nodiscard]] std::string_view get(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& fields() const {
    return fields_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// Path and query of a request's target, percent-decoded; `+` in a query is a space.
struct HttpTarget {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;  ///< in order; names may repeat
};

/// Splits an origin-form target ("/a%20b?c=d"). kInvalid when it does not start with a slash or
/// has a broken percent sequence.
[[nodiscard]] Result<HttpTarget> parse_http_target(std::string_view target);
/// `name=value&…` of a query or a form body.
[[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> parse_http_form(
    std::string_view text);

struct HttpRequest {
  std::string method;  ///< "GET", as sent
  HttpTarget target;
  HttpHeaders headers;
  std::string body;  ///< whole, chunks joined, still as `Content-Encoding` says
  std::string peer;  ///< address of the other side, "127.0.0.1:43211"

  /// The first query parameter of that name.
  [[nodiscard]] std::optional<std::string_view> query(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers;  ///< without Content-Length, Date and Connection: the server adds them
  std::string body;
};

/// A response that comes piece by piece (server-sent events, downloads). Dropping it ends the
/// response.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  /// Queues bytes; ignored when the other side has gone.
  virtual void send(std::string bytes) = 0;
  [[nodiscard]] virtual std::size_t unsent() const = 0;
  /// Called once when the other side has gone. Not called when the stream is dropped.
  virtual void on_closed(std::function<void()> handler) = 0;
  /// Cuts the connection, so that the client sees that the answer is not whole.
  virtual void cut() = 0;
  /// Called each time when the last queued byte has been handed to the kernel.
  virtual void on_drained(std::function<void()> handler) = 0;
};

/// Answers one request, now or later: exactly one of the two calls, once. An answer to a client
/// that has gone is dropped. Dropped without an answer, the client gets 500.
class HttpResponder {
 public:
  virtual ~HttpResponder() = default;
  virtual void respond(HttpResponse response) = 0;
  /// `size` bytes will be sent (a HEAD is told so, and gets none); nullopt: nobody knows how many.
  virtual std::unique_ptr<HttpStream> start_stream(int status, HttpHeaders headers,
                                                   std::optional<std::uint64_t> size) = 0;
  std::unique_ptr<HttpStream> start_stream(int status, HttpHeaders headers) {
    return start_stream(status, std::move(headers), std::nullopt);
  }
};

using HttpHandler = std::function<void(HttpRequest, std::shared_ptr<HttpResponder>)>;

struct HttpServerOptions {
  std::string listen = "127.0.0.1:0";             ///< address:port; port 0: any free one
  std::string cert_file, key_file;                ///< both empty: plain HTTP
  std::size_t body_bytes_max = 32 << 20;          ///< more: 413
  std::size_t bodies_bytes_max = 256 << 20;       ///< of all requests being read or answered: 503
  std::size_t header_bytes_max = 16 * 1024;       ///< more: 431
  std::size_t stream_unsent_bytes_max = 4 << 20;  ///< a stream's reader that lags more is dropped
  int connections_max = 1024;                     ///< more: 503 and closed
  Millis idle_max{120'000};                       ///< a connection without a request is closed then
  Millis header_max{15'000};       ///< from a request's first byte to the end of its header: 408
  Millis body_grace{30'000};       ///< and so long, and 1 s for each KiB, for its body: 408
  Millis write_stall_max{60'000};  ///< a reader that takes nothing for so long is dropped
};

/// Since the server was made, but for the last two.
struct HttpCounters {
  std::uint64_t connections = 0;
  std::uint64_t requests = 0;
  std::uint64_t requests_bad = 0;         ///< refused by the server itself: 4xx, 5xx
  std::uint64_t requests_late = 0;        ///< 408
  std::uint64_t connections_refused = 0;  ///< over connections_max
  std::uint64_t bodies_refused = 0;       ///< over bodies_bytes_max
  std::uint64_t readers_dropped = 0;      ///< took nothing, or lagged too far behind a stream
  std::uint64_t connections_open = 0;
  std::uint64_t streams_open = 0;
};

/// A listening server. Dropping it stops listening and closes its connections.
class HttpListener {
 public:
  virtual ~HttpListener() = default;
  [[nodiscard]] virtual std::string address() const = 0;  ///< "127.0.0.1:43211"
  [[nodiscard]] virtual HttpCounters counters() const = 0;
};

/// Serves HTTP/1.1 with keep-alive. The handler and all calls are on the loop.
class HttpServer {
 public:
  virtual ~HttpServer() = default;
  /// kBusy: somebody listens there; kDenied; kInvalid: not an address; kIo.
  virtual Result<std::unique_ptr<HttpListener>> listen(const HttpServerOptions& options,
                                                       HttpHandler handler) = 0;
};

}  // namespace fieldpost::rt
