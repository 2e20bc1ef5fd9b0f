#include "coordinator/http/blob_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <utility>

#include "coordinator/http/answers.h"
#include "coordinator/store/blob_path.h"
#include "proto/rt/http_text.h"
#include "proto/wire/media_type.h"
#include "proto/wire/rfc3339.h"

namespace fieldpost::coordinator {
namespace {

/// Documents that a browser opens with scripts or markup in them.
bool could_run(std::string_view type) {
  constexpr std::array<std::string_view, 6> kActive = {"text/html",       "text/xml",
                                                       "application/xml", "image/svg+xml",
                                                       "text/javascript", "application/javascript"};
  return std::find(kActive.begin(), kActive.end(), type) != kActive.end() || type.ends_with("+xml");
}

std::string etag_of(const ServedBlob& blob) {
  return '"' + blob.hash.hex() + '"';
}

/// Percent-encoded but for what RFC 8187 lets stand.
std::string encoded_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '.' || c == '-' || c == '_';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

rt::HttpHeaders headers_of(const ServedBlob& blob) {
  rt::HttpHeaders headers{
      {"Content-Type", could_run(blob.type) ? "text/plain; charset=utf-8" : blob.type},
      {"ETag", etag_of(blob)},
      {"Accept-Ranges", "bytes"},
      {"Cache-Control", "no-cache"},
      {"X-Content-Type-Options", "nosniff"},
      {"Content-Security-Policy", "sandbox; default-src 'none'"}};
  if (!blob.name.empty()) {
    headers.add("Content-Disposition", "inline; filename*=UTF-8''" + encoded_name(blob.name));
  }
  if (blob.time) headers.add("X-Reading-Time", wire::format_rfc3339({*blob.time}));
  return headers;
}

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

/// Lives as long as its stream's handlers and its question at the desk hold it.
class BlobStream : public std::enable_shared_from_this<BlobStream> {
 public:
  BlobStream(Services& services, ServedBlob blob, rt::HttpRequest request,
             std::shared_ptr<rt::HttpResponder> responder)
      : services_(services),
        blob_(std::move(blob)),
        request_(std::move(request)),
        responder_(std::move(responder)),
        headers_(headers_of(blob_)),
        span_{0, blob_.size} {}

  void start() {
    const std::string_view known = request_.headers.get("If-None-Match");
    if (known == "*" || known.find(etag_of(blob_)) != std::string_view::npos) {
      return responder_->respond({304, headers_, ""});
    }
    const std::string_view if_range = request_.headers.get("If-Range");
    if (if_range.empty() || if_range == etag_of(blob_)) {
      if (const auto range = parse_range(request_.headers.get("Range"), blob_.size)) {
        return start_range(*range);
      }
    }
    ask();
  }

 private:
  void start_range(const Span& range) {
    if (range.first >= range.end) {
      auto refused = rt::problem_response(416, "the body ends before this range");
      refused.headers.add("Content-Range", fmt::format("bytes */{}", blob_.size));
      return responder_->respond(std::move(refused));
    }
    span_ = range;
    status_ = 206;
    headers_.add("Content-Range",
                 fmt::format("bytes {}-{}/{}", range.first, range.end - 1, blob_.size));
    ask();
  }

  void ask() {
    if (std::exchange(asking_, true)) return;
    const std::size_t bytes = std::min<std::uint64_t>(kBlobPieceBytes, span_.end - span_.first);
    services_.desk.ask<std::string>(
        [&files = services_.files, path = blob_path(services_.blob_directory, blob_.hash),
         offset = span_.first, bytes](ReadingQuery&) { return files.read(path, offset, bytes); },
        [self = shared_from_this(), bytes](rt::Result<std::string> piece) {
          self->asking_ = false;
          if (piece && piece->size() != bytes) {
            piece = rt::Error{rt::Errc::kCorrupt, "the body's file is shorter than it was"};
          }
          self->on_piece(std::move(piece));
        });
  }

  void on_piece(rt::Result<std::string> piece) {
    if (!piece) return fail(piece.error());
    span_.first += piece->size();
    const bool is_all = span_.first == span_.end;
    if (responder_ && is_all) {
      return responder_->respond({status_, std::move(headers_), *std::move(piece)});
    }
    if (responder_) open_stream();
    if (!stream_) return;  // the client has gone
    stream_->send(*std::move(piece));
  }

  void open_stream() {
    stream_ = responder_->start_stream(status_, std::move(headers_));
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
    if (responder_) {
      const bool gone = error.code == rt::Errc::kNotFound;
      return responder_->respond(gone ? rt::problem_response(404, "the body's file is missing")
                                      : error_response(error));
    }
    if (stream_) stream_->cut();
    stream_.reset();
  }

  Services& services_;
  ServedBlob blob_;
  rt::HttpRequest request_;
  std::shared_ptr<rt::HttpResponder> responder_;  ///< until the first piece is there
  rt::HttpHeaders headers_;
  Span span_;  ///< what is still to be sent
  int status_ = 200;
  std::unique_ptr<rt::HttpStream> stream_;
  bool asking_ = false;
};

}  // namespace

void serve_blob(Services& services, Call call, FindBlob find) {
  auto shared = std::make_shared<Call>(std::move(call));
  services.desk.ask<ServedBlob>(std::move(find), [&services, shared](rt::Result<ServedBlob> blob) {
    if (!blob) return shared->responder->respond(error_response(blob.error()));
    std::make_shared<BlobStream>(services, *std::move(blob), std::move(shared->request),
                                 std::move(shared->responder))
        ->start();
  });
}

}  // namespace fieldpost::coordinator
