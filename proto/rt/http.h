#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/rt/result.h"

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

/// A response of unknown length (server-sent events, downloads). Dropping it ends the response.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  /// Queues bytes; ignored when the other side has gone.
  virtual void send(std::string bytes) = 0;
  [[nodiscard]] virtual std::size_t unsent() const = 0;
  /// Called once when the other side has gone. Not called when the stream is dropped.
  virtual void on_closed(std::function<void()> handler) = 0;
  /// Called each time when the last queued byte has been handed to the kernel.
  virtual void on_drained(std::function<void()> handler) = 0;
};

/// Answers one request, now or later: exactly one of the two calls, once. An answer to a client
/// that has gone is dropped. Dropped without an answer, the client gets 500.
class HttpResponder {
 public:
  virtual ~HttpResponder() = default;
  virtual void respond(HttpResponse response) = 0;
  virtual std::unique_ptr<HttpStream> start_stream(int status, HttpHeaders headers) = 0;
};

using HttpHandler = std::function<void(HttpRequest, std::shared_ptr<HttpResponder>)>;

struct HttpServerOptions {
  std::string listen = "127.0.0.1:0";        ///< host:port; port 0: any free one
  std::string cert_file, key_file;           ///< both empty: plain HTTP
  std::size_t body_bytes_max = 32 << 20;     ///< more: 413
  std::size_t header_bytes_max = 16 * 1024;  ///< more: 431
  int connections_max = 1024;                ///< more: 503 and closed
  int idle_seconds = 120;                    ///< a connection without a request is closed then
};

/// A listening server. Dropping it stops listening and closes its connections.
class HttpListener {
 public:
  virtual ~HttpListener() = default;
  [[nodiscard]] virtual std::string address() const = 0;  ///< "127.0.0.1:43211"
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
