#include "proto/rt/http_reader.h"

#include <fmt/format.h>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <utility>  // before Asio 1.74, which forgets it
#include <utility>

namespace fieldpost::rt {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using Parser = http::request_parser<http::string_body>;

constexpr std::size_t kReadBytes = 16 * 1024;  // taken from the socket at once
constexpr std::string_view kLineBreak = "\r\n";
constexpr int kHttp10 = 10;
constexpr int kHttp11 = 11;

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

HttpReader::Problem problem_of(const beast::error_code& code, const HttpReadLimits& limits) {
  if (code == http::error::header_limit || code == http::error::buffer_overflow) {
    return {431, fmt::format("the header is longer than {} bytes", limits.header_bytes_max)};
  }
  if (code == http::error::body_limit) {
    return {413, fmt::format("the body is longer than {} bytes", limits.body_bytes_max)};
  }
  if (code == http::error::bad_version) return {400, "expected HTTP/1.1 or HTTP/1.0"};
  return {400, fmt::format("this is not a request of HTTP/1.1: {}", code.message())};
}

std::size_t count_of(const Parser& parser, http::field field) {
  const auto [first, last] = parser.get().equal_range(field);
  return static_cast<std::size_t>(std::distance(first, last));
}

/// What the parser lets through although another server could read it otherwise.
std::optional<HttpReader::Problem> find_ambiguity(const Parser& parser) {
  const auto& message = parser.get();
  const auto hosts = count_of(parser, http::field::host);
  if (hosts > 1 || (hosts == 0 && message.version() == kHttp11)) {
    return HttpReader::Problem{400, "expected exactly one Host field"};
  }
  const auto codings = count_of(parser, http::field::transfer_encoding);
  const auto lengths = count_of(parser, http::field::content_length);
  if (codings + lengths > 1) {
    return HttpReader::Problem{400,
                               "expected one Content-Length or one Transfer-Encoding, not more"};
  }
  if (view(message[http::field::content_length]).find(',') != std::string_view::npos) {
    return HttpReader::Problem{400, "expected one number as Content-Length"};
  }
  if (codings == 0) return std::nullopt;
  if (message.version() == kHttp10) {
    return HttpReader::Problem{400, "HTTP/1.0 has no Transfer-Encoding"};
  }
  if (!beast::iequals(message[http::field::transfer_encoding], "chunked")) {
    return HttpReader::Problem{501, "expected \"chunked\" as the only Transfer-Encoding"};
  }
  return std::nullopt;
}

}  // namespace

struct HttpReader::State {
  explicit State(HttpReadLimits read_limits)
      : limits(read_limits), buffer(read_limits.header_bytes_max + kReadBytes) {
    next_request();
  }

  void next_request() {
    parser.emplace();
    parser->header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
    parser->body_limit(limits.body_bytes_max);
    header_told = false;
  }

  Step fail(Problem what) {
    problem = std::move(what);
    return Step::kBad;
  }

  Step check_header();
  void skip_empty_lines();

  HttpReadLimits limits;
  beast::flat_buffer buffer;
  std::optional<Parser> parser;
  HttpTarget target;
  Problem problem;
  bool header_told = false;
};

HttpReader::Step HttpReader::State::check_header() {
  const auto& message = parser->get();
  if (auto ambiguity = find_ambiguity(*parser)) return fail(*std::move(ambiguity));
  const auto expect = message[http::field::expect];
  if (!expect.empty() && !beast::iequals(expect, "100-continue")) {
    return fail({417, "the only expectation understood is \"100-continue\""});
  }
  auto parsed = parse_http_target(view(message.target()));
  if (!parsed) return fail({400, parsed.error().message});
  target = *std::move(parsed);
  if (parser->content_length().value_or(0) > limits.body_bytes_max) {
    return fail(problem_of(http::error::body_limit, limits));
  }
  header_told = true;
  return Step::kHeader;
}

/// Before a request line some clients send the line break that an older body lacked (RFC
/// 9112, 2.2).
void HttpReader::State::skip_empty_lines() {
  while (!parser->got_some() && buffer.size() >= kLineBreak.size() &&
         std::memcmp(buffer.data().data(), kLineBreak.data(), kLineBreak.size()) == 0) {
    buffer.consume(kLineBreak.size());
  }
}

HttpReader::HttpReader(HttpReadLimits limits) : state_(std::make_unique<State>(limits)) {}
HttpReader::~HttpReader() = default;

std::span<char> HttpReader::prepare() {
  beast::flat_buffer& buffer = state_->buffer;
  const auto room = buffer.prepare(std::min(kReadBytes, buffer.max_size() - buffer.size()));
  return {static_cast<char*>(room.data()), room.size()};
}

void HttpReader::commit(std::size_t size) {
  state_->buffer.commit(size);
}

HttpReader::Step HttpReader::step() {
  State& state = *state_;
  state.skip_empty_lines();
  while (!state.parser->is_done()) {
    beast::error_code code;
    const std::size_t used = state.parser->put(state.buffer.data(), code);
    state.buffer.consume(used);
    if (code && code != http::error::need_more) {
      return state.fail(problem_of(code, state.limits));
    }
    if (state.parser->is_header_done() && !state.header_told) return state.check_header();
    if (used > 0 && state.buffer.size() > 0) continue;
    if (state.buffer.size() == state.buffer.max_size()) {
      return state.fail(problem_of(http::error::header_limit, state.limits));
    }
    if (!state.parser->is_done()) return Step::kNeedMore;
  }
  return state.header_told ? Step::kWhole : state.check_header();
}

bool HttpReader::is_idle() const {
  return !state_->parser->got_some() && state_->buffer.size() == 0;
}

bool HttpReader::expects_continue() const {
  return !state_->parser->get()[http::field::expect].empty() && !state_->parser->is_done();
}

std::size_t HttpReader::body_bytes() const {
  if (!state_->parser->is_header_done()) return 0;
  const auto told = state_->parser->content_length().value_or(0);
  return std::max(static_cast<std::size_t>(told), state_->parser->get().body().size());
}

bool HttpReader::keeps_alive() const {
  return state_->parser->keep_alive();
}

bool HttpReader::is_http_1_0() const {
  return state_->parser->get().version() == kHttp10;
}

bool HttpReader::is_head() const {
  return state_->parser->get().method() == http::verb::head;
}

HttpRequest HttpReader::take_request() {
  auto& message = state_->parser->get();
  HttpRequest request;
  request.method = view(message.method_string());
  request.target = std::move(state_->target);
  for (const auto& field : message) {
    request.headers.add(std::string(view(field.name_string())), std::string(view(field.value())));
  }
  request.body = std::move(message.body());
  state_->next_request();
  return request;
}

const HttpReader::Problem& HttpReader::problem() const {
  return state_->problem;
}

}  // namespace fieldpost::rt
