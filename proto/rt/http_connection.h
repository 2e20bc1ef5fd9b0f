#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "proto/rt/clock.h"
#include "proto/rt/http.h"
#include "proto/rt/http_reader.h"
#include "proto/rt/http_text.h"
#include "proto/rt/real_loop.h"

namespace fieldpost::rt {

class HttpConnection;

/// "127.0.0.1:43211" or "[::1]:43211".
[[nodiscard]] std::string name_of(const boost::asio::ip::tcp::endpoint& endpoint);

/// What the connections of one listener share.
struct HttpService {
  RealLoop& loop;
  const WallClock& clock;
  HttpServerOptions options;
  HttpHandler handler;
  HttpCounters counters;
  std::size_t bodies_bytes = 0;
  std::unordered_map<HttpConnection*, std::shared_ptr<HttpConnection>> connections;
};

/// One client: reads a request, hands it over, writes the answer, reads the next. One request at a
/// time, so that pipelined ones are answered in order and a client that does not read its answers
/// stops being read from. Lives in `HttpService::connections` until it closes.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(std::shared_ptr<HttpService> service, boost::asio::ip::tcp::socket socket);
  ~HttpConnection();

  void start();
  /// Answers with 503 whatever comes.
  void refuse();
  /// At once, whatever is unsent. Safe to repeat.
  void close();

  // For the answer to the request in hand.
  void respond(HttpResponse response);
  void start_stream(int status, const HttpHeaders& headers, std::optional<std::uint64_t> size);
  void send_to_stream(std::string bytes);
  void end_stream();
  [[nodiscard]] std::size_t stream_unsent() const {
    return queued_.size() + writing_.size() - written_;
  }
  void on_stream_closed(std::function<void()> handler) { stream_closed_ = std::move(handler); }
  void on_stream_drained(std::function<void()> handler) { stream_drained_ = std::move(handler); }
  /// Nobody is interested in the stream any more.
  void forget_stream();

 private:
  void read();
  void on_read(std::size_t size);
  void advance();
  bool accept_header();
  [[nodiscard]] bool reserve_body();
  void dispatch();
  void fail(const HttpReader::Problem& problem);

  void write(std::string bytes, std::function<void()> done);
  void write_some();
  void on_written(std::size_t size);
  void flush_stream();
  void watch_stream_peer();
  void stream_gone();
  void finish_answer();
  /// Lets the client read the answer before the connection goes (RFC 9112, 9.6).
  void linger();
  void drain_lingering();

  void arm(Nanos delay, void (HttpConnection::*expired)());
  void disarm();
  void on_idle_too_long() { close(); }
  void on_header_late();
  void on_body_late();
  void on_write_stalled();
  void answer_late();
  [[nodiscard]] std::int64_t date_s() const;
  template <typename Handler>
  auto turn(Handler handler);

  std::shared_ptr<HttpService> service_;
  boost::asio::ip::tcp::socket socket_;
  std::string peer_;
  HttpReader reader_;
  TimerId timer_ = TimerId::kNone;
  bool open_ = true;
  bool giving_up_ = false;
  bool head_ = false;
  bool keeps_alive_ = true;
  bool http_1_0_ = false;
  std::size_t body_reserved_ = 0;
  std::size_t body_read_ = 0;
  Instant body_since_;

  std::string writing_;
  std::size_t written_ = 0;
  std::size_t written_when_armed_ = 0;
  std::function<void()> write_done_;

  bool streaming_ = false;
  bool stream_chunked_ = false;
  bool stream_ending_ = false;
  bool lagging_ = false;
  std::string queued_;
  std::function<void()> stream_closed_;
  std::function<void()> stream_drained_;
  std::array<char, 1024> scratch_{};
};

}  // namespace fieldpost::rt
