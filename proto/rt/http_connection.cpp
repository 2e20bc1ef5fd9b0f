#include "proto/rt/http_connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <utility>  // before Asio 1.74, which forgets it

#include "proto/rt/asio_access.h"

namespace fieldpost::rt {
namespace {

constexpr std::size_t kBodyBytesPerSecondMin = 1024;  // after body_grace
constexpr Millis kLingerMax{2'000};
constexpr std::size_t kWriteBytes = 256 * 1024;  // handed to the kernel at once
constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

bool has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

/// Held by the handler: the one answer to one request.
class Answer final : public HttpResponder {
 public:
  explicit Answer(std::weak_ptr<HttpConnection> connection) : connection_(std::move(connection)) {}
  ~Answer() override {
    if (!answered_) respond(problem_response(500, "the request was not answered"));
  }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  void respond(HttpResponse response) override {
    FP_CHECK(!std::exchange(answered_, true));
    if (const auto connection = connection_.lock()) connection->respond(std::move(response));
  }
  std::unique_ptr<HttpStream> start_stream(int status, HttpHeaders headers,
                                           std::optional<std::uint64_t> size) override;

 private:
  std::weak_ptr<HttpConnection> connection_;
  bool answered_ = false;
};

class Stream final : public HttpStream {
 public:
  explicit Stream(std::weak_ptr<HttpConnection> connection) : connection_(std::move(connection)) {}
  ~Stream() override {
    const auto connection = connection_.lock();
    if (!connection) return;
    connection->forget_stream();
    connection->end_stream();
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void send(std::string bytes) override {
    if (const auto connection = connection_.lock()) connection->send_to_stream(std::move(bytes));
  }
  [[nodiscard]] std::size_t unsent() const override {
    const auto connection = connection_.lock();
    return connection ? connection->stream_unsent() : 0;
  }
  void cut() override {
    const auto connection = connection_.lock();
    if (!connection) return;
    connection->forget_stream();
    connection->close();
  }
  void on_closed(std::function<void()> handler) override {
    if (const auto connection = connection_.lock()) {
      connection->on_stream_closed(std::move(handler));
    }
  }
  void on_drained(std::function<void()> handler) override {
    if (const auto connection = connection_.lock()) {
      connection->on_stream_drained(std::move(handler));
    }
  }

 private:
  std::weak_ptr<HttpConnection> connection_;
};

std::unique_ptr<HttpStream> Answer::start_stream(int status, HttpHeaders headers,
                                                 std::optional<std::uint64_t> size) {
  FP_CHECK(!std::exchange(answered_, true));
  if (const auto connection = connection_.lock()) connection->start_stream(status, headers, size);
  return std::make_unique<Stream>(connection_);
}

}  // namespace

std::string name_of(const boost::asio::ip::tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                    : fmt::format("{}:{}", address, endpoint.port());
}

/// Runs `handler(size)` as a turn of the loop unless the connection closed; closes it on an error.
template <typename Handler>
auto HttpConnection::turn(Handler handler) {
  return [self = shared_from_this(), handler = std::move(handler)](
             const boost::system::error_code& code, std::size_t size) {
    AsioAccess::turn(self->service_->loop, [&] {
      if (!self->open_) return;
      if (code) {
        self->close();
      } else {
        handler(size);
      }
    });
  };
}

HttpConnection::HttpConnection(std::shared_ptr<HttpService> service,
                               boost::asio::ip::tcp::socket socket)
    : service_(std::move(service)),
      socket_(std::move(socket)),
      reader_({service_->options.header_bytes_max, service_->options.body_bytes_max}) {
  boost::system::error_code ignored;
  peer_ = name_of(socket_.remote_endpoint(ignored));
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  socket_.set_option(boost::asio::socket_base::keep_alive(true), ignored);
}

HttpConnection::~HttpConnection() = default;

void HttpConnection::start() {
  arm(service_->options.idle_max, &HttpConnection::on_idle_too_long);
  read();
}

void HttpConnection::refuse() {
  keeps_alive_ = false;
  HttpResponse response = problem_response(503, "too many connections are open");
  response.headers.add("Retry-After", "1");
  respond(std::move(response));
}

void HttpConnection::close() {
  if (!std::exchange(open_, false)) return;
  const auto self = shared_from_this();
  disarm();
  boost::system::error_code ignored;
  socket_.close(ignored);
  service_->bodies_bytes -= std::exchange(body_reserved_, 0);
  service_->connections.erase(this);
  stream_gone();
}

// Reading

void HttpConnection::read() {
  const auto room = reader_.prepare();
  socket_.async_read_some(boost::asio::buffer(room.data(), room.size()),
                          turn([this](std::size_t size) { on_read(size); }));
}

void HttpConnection::on_read(std::size_t size) {
  if (giving_up_) return;
  if (reader_.is_idle()) arm(service_->options.header_max, &HttpConnection::on_header_late);
  reader_.commit(size);
  body_read_ += size;
  advance();
}

void HttpConnection::advance() {
  while (open_) {
    switch (reader_.step()) {
      case HttpReader::Step::kNeedMore:
        if (!reserve_body()) return;
        return read();
      case HttpReader::Step::kHeader:
        if (!accept_header()) return;
        break;
      case HttpReader::Step::kWhole: return dispatch();
      case HttpReader::Step::kBad: return fail(reader_.problem());
    }
  }
}

/// False when the connection waits for something else than the body.
bool HttpConnection::accept_header() {
  keeps_alive_ = reader_.keeps_alive();
  head_ = reader_.is_head();
  http_1_0_ = reader_.is_http_1_0();
  body_read_ = 0;
  body_since_ = service_->loop.now();
  arm(service_->options.body_grace, &HttpConnection::on_body_late);
  if (!reserve_body()) return false;
  if (!reader_.expects_continue() || http_1_0_) return true;
  write(std::string(kContinue), [this] {
    arm(service_->options.body_grace, &HttpConnection::on_body_late);
    advance();
  });
  return false;
}

bool HttpConnection::reserve_body() {
  const std::size_t needed = reader_.body_bytes();
  if (needed <= body_reserved_) return true;
  service_->bodies_bytes += needed - body_reserved_;
  body_reserved_ = needed;
  if (service_->bodies_bytes <= service_->options.bodies_bytes_max) return true;
  service_->counters.bodies_refused += 1;
  fail({503, "the server holds as many bodies of requests as it may; try again later"});
  return false;
}

void HttpConnection::dispatch() {
  disarm();
  service_->counters.requests += 1;
  HttpRequest request = reader_.take_request();
  request.peer = peer_;
  const auto self = shared_from_this();
  service_->handler(std::move(request), std::make_shared<Answer>(self));
}

void HttpConnection::fail(const HttpReader::Problem& problem) {
  service_->counters.requests_bad += 1;
  giving_up_ = true;
  keeps_alive_ = false;
  HttpResponse response = problem_response(problem.status, problem.detail);
  if (problem.status == 503) response.headers.add("Retry-After", "1");
  respond(std::move(response));
}

// Answering

void HttpConnection::respond(HttpResponse response) {
  if (!open_) return;
  HttpHead head{.status = response.status,
                .framing = has_body(response.status) ? HttpFraming::kLength : HttpFraming::kNone,
                .body_bytes = response.body.size(),
                .keeps_alive = keeps_alive_,
                .date_s = date_s()};
  std::string bytes = format_http_head(head, response.headers);
  if (!head_ && head.framing == HttpFraming::kLength) bytes += response.body;
  write(std::move(bytes), [this] { finish_answer(); });
}

void HttpConnection::finish_answer() {
  service_->bodies_bytes -= std::exchange(body_reserved_, 0);
  if (!keeps_alive_) return linger();
  const bool idle = reader_.is_idle();
  if (idle) {
    arm(service_->options.idle_max, &HttpConnection::on_idle_too_long);
  } else {
    arm(service_->options.header_max, &HttpConnection::on_header_late);
  }
  advance();
}

void HttpConnection::linger() {
  boost::system::error_code code;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, code);
  if (code) return close();
  arm(kLingerMax, &HttpConnection::on_idle_too_long);
  if (!streaming_) drain_lingering();
}

void HttpConnection::drain_lingering() {
  socket_.async_read_some(boost::asio::buffer(scratch_),
                          turn([this](std::size_t) { drain_lingering(); }));
}

void HttpConnection::write(std::string bytes, std::function<void()> done) {
  writing_ = std::move(bytes);
  written_ = 0;
  written_when_armed_ = 0;
  write_done_ = std::move(done);
  arm(service_->options.write_stall_max, &HttpConnection::on_write_stalled);
  write_some();
}

void HttpConnection::write_some() {
  const std::size_t size = std::min(kWriteBytes, writing_.size() - written_);
  socket_.async_write_some(boost::asio::buffer(writing_.data() + written_, size),
                           turn([this](std::size_t sent) { on_written(sent); }));
}

void HttpConnection::on_written(std::size_t size) {
  written_ += size;
  if (written_ < writing_.size()) return write_some();
  disarm();
  writing_.clear();
  written_ = 0;
  if (writing_.capacity() > kWriteBytes) writing_.shrink_to_fit();
  const auto done = std::exchange(write_done_, nullptr);
  done();
}

// Streams

void HttpConnection::start_stream(int status, const HttpHeaders& headers,
                                  std::optional<std::uint64_t> size) {
  if (!open_) return;
  service_->bodies_bytes -= std::exchange(body_reserved_, 0);
  service_->counters.streams_open += 1;
  streaming_ = true;
  keeps_alive_ = false;
  stream_chunked_ = !size && !http_1_0_;
  const HttpFraming open_end = stream_chunked_ ? HttpFraming::kChunked : HttpFraming::kUntilClose;
  const HttpHead head{.status = status,
                      .framing = size ? HttpFraming::kLength : open_end,
                      .body_bytes = size.value_or(0),
                      .keeps_alive = false,
                      .date_s = date_s()};
  stream_ending_ = head_;
  write(format_http_head(head, headers), [this] { flush_stream(); });
  watch_stream_peer();
}

void HttpConnection::send_to_stream(std::string bytes) {
  if (!open_ || head_ || lagging_ || bytes.empty()) return;
  queued_ += stream_chunked_ ? format_http_chunk(bytes) : std::move(bytes);
  if (stream_unsent() > service_->options.stream_unsent_bytes_max) {
    lagging_ = true;
    service_->counters.readers_dropped += 1;
    // Not inside the caller's `send`: its stream would be closed under its feet.
    return service_->loop.post([self = shared_from_this()] { self->close(); });
  }
  if (!write_done_) flush_stream();
}

void HttpConnection::flush_stream() {
  if (!queued_.empty()) {
    return write(std::exchange(queued_, {}), [this] { flush_stream(); });
  }
  if (stream_ending_) {
    stream_ending_ = false;
    const bool last = stream_chunked_ && !head_;
    return last ? write(std::string(kLastHttpChunk), [this] { linger(); }) : linger();
  }
  if (stream_drained_) {
    const auto drained = stream_drained_;
    drained();
  }
}

void HttpConnection::end_stream() {
  if (!open_) return;
  stream_ending_ = true;
  if (!write_done_) flush_stream();
}

/// The client has nothing more to say; what it sends all the same is thrown away, and its end is
/// noticed.
void HttpConnection::watch_stream_peer() {
  socket_.async_read_some(boost::asio::buffer(scratch_),
                          turn([this](std::size_t) { watch_stream_peer(); }));
}

void HttpConnection::forget_stream() {
  stream_closed_ = nullptr;
  stream_drained_ = nullptr;
}

void HttpConnection::stream_gone() {
  if (!std::exchange(streaming_, false)) return;
  service_->counters.streams_open -= 1;
  stream_drained_ = nullptr;
  if (const auto closed = std::exchange(stream_closed_, nullptr)) closed();
}

// Patience

void HttpConnection::arm(Nanos delay, void (HttpConnection::*expired)()) {
  disarm();
  timer_ = service_->loop.after(delay, [self = shared_from_this(), expired] {
    self->timer_ = TimerId::kNone;
    (self.get()->*expired)();
  });
}

void HttpConnection::disarm() {
  service_->loop.cancel(std::exchange(timer_, TimerId::kNone));
}

void HttpConnection::on_header_late() {
  answer_late();
}

void HttpConnection::on_body_late() {
  const Nanos allowed =
      service_->options.body_grace +
      Nanos{static_cast<std::int64_t>(body_read_ / kBodyBytesPerSecondMin) * kNanosPerSecond};
  const Nanos left = body_since_ + allowed - service_->loop.now();
  if (left > Nanos{0}) return arm(left, &HttpConnection::on_body_late);
  answer_late();
}

void HttpConnection::answer_late() {
  service_->counters.requests_late += 1;
  fail({408, "the request did not arrive in time"});
}

void HttpConnection::on_write_stalled() {
  if (written_ > written_when_armed_) {
    written_when_armed_ = written_;
    return arm(service_->options.write_stall_max, &HttpConnection::on_write_stalled);
  }
  service_->counters.readers_dropped += 1;
  close();
}

std::int64_t HttpConnection::date_s() const {
  return service_->clock.now().ns / kNanosPerSecond;
}

}  // namespace fieldpost::rt
