#include "coordinator/http/byte_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "coordinator/http/answers.h"
#include "proto/rt/http_text.h"

namespace fieldpost::coordinator {
namespace {

struct Span {
  std::uint64_t first = 0, end = 0;
};

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Of a field `Range`. nullopt: the whole, also for what is not understood or several ranges
/// (RFC 9110, 14.2). An empty span: not satisfiable.
std::optional<Span> parse_range(std::string_view field, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (!field.starts_with(kUnit)) return std::nullopt;
  field.remove_prefix(kUnit.size());
  const std::size_t dash = field.find('-');
  if (dash == std::string_view::npos || field.find(',') != std::string_view::npos) {
    return std::nullopt;
  }
  const auto first = parse_number(field.substr(0, dash));
  const auto last = parse_number(field.substr(dash + 1));
  if (dash == 0) {
    if (!last) return std::nullopt;
    return Span{size - std::min(size, *last), size};
  }
  const bool open = dash + 1 == field.size();
  if (!first || (!open && (!last || *last < *first))) return std::nullopt;
  if (*first >= size) return Span{};
  return Span{*first, open ? size : std::min(size, *last == UINT64_MAX ? size : *last + 1)};
}

/// Lives as long as its stream's handlers and what it reads hold it.
class ByteStream : public std::enable_shared_from_this<ByteStream> {
 public:
  ByteStream(ServedBytes bytes, std::shared_ptr<rt::HttpResponder> responder)
      : bytes_(std::move(bytes)),
        responder_(std::move(responder)),
        tag_('"' + bytes_.tag + '"'),
        span_{0, bytes_.size} {
    bytes_.headers.add("ETag", tag_);
    bytes_.headers.add("Accept-Ranges", "bytes");
  }

  void start(const rt::HttpRequest& request) {
    const std::string_view known = request.headers.get("If-None-Match");
    if (known == "*" || known.find(tag_) != std::string_view::npos) {
      return responder_->respond({304, std::move(bytes_.headers), ""});
    }
    if (request.method == "HEAD") {
      responder_->start_stream(200, std::move(bytes_.headers), bytes_.size);
      return;
    }
    const std::string_view if_range = request.headers.get("If-Range");
    if (if_range.empty() || if_range == tag_) {
      if (const auto range = parse_range(request.headers.get("Range"), bytes_.size)) {
        return start_range(*range);
      }
    }
    ask();
  }

 private:
  void start_range(const Span& range) {
    if (range.first >= range.end) {
      auto refused = rt::problem_response(416, "the bytes end before this range");
      refused.headers.add("Content-Range", fmt::format("bytes */{}", bytes_.size));
      return responder_->respond(std::move(refused));
    }
    span_ = range;
    status_ = 206;
    bytes_.headers.add("Content-Range",
                       fmt::format("bytes {}-{}/{}", range.first, range.end - 1, bytes_.size));
    ask();
  }

  void ask() {
    if (std::exchange(asking_, true)) return;
    const std::size_t count = std::min<std::uint64_t>(kServedPieceBytes, span_.end - span_.first);
    bytes_.read(span_.first, count,
                [self = shared_from_this(), count](rt::Result<std::string> piece) {
                  self->asking_ = false;
                  if (piece && piece->size() != count) {
                    piece = rt::Error{rt::Errc::kCorrupt, "the file is shorter than it was"};
                  }
                  self->on_piece(std::move(piece));
                });
  }

  void on_piece(rt::Result<std::string> piece) {
    if (!piece) return fail(piece.error());
    const bool is_all = span_.first + piece->size() == span_.end;
    if (responder_ && is_all) {
      return responder_->respond({status_, std::move(bytes_.headers), *std::move(piece)});
    }
    if (responder_) open_stream();
    if (!stream_) return;  // the client has gone
    span_.first += piece->size();
    stream_->send(*std::move(piece));
  }

  void open_stream() {
    stream_ = responder_->start_stream(status_, std::move(bytes_.headers), span_.end - span_.first);
    responder_.reset();
    stream_->on_closed([self = shared_from_this()] { self->stream_.reset(); });
    stream_->on_drained([self = shared_from_this()] { self->on_drained(); });
  }

  void on_drained() {
    if (asking_) return;
    if (span_.first < span_.end) return ask();
    stream_.reset();
  }

  void fail(const rt::Error& error) {
    if (responder_) return responder_->respond(error_response(error));
    if (stream_) stream_->cut();
    stream_.reset();
  }

  ServedBytes bytes_;
  std::shared_ptr<rt::HttpResponder> responder_;  ///< until the first piece is there
  std::string tag_;                               ///< with its quotes
  Span span_;                                     ///< what is still to be sent
  int status_ = 200;
  std::unique_ptr<rt::HttpStream> stream_;
  bool asking_ = false;
};

}  // namespace

void serve_bytes(ServedBytes bytes, const rt::HttpRequest& request,
                 std::shared_ptr<rt::HttpResponder> responder) {
  std::make_shared<ByteStream>(std::move(bytes), std::move(responder))->start(request);
}

}  // namespace fieldpost::coordinator
