#include "coordinator/http/blob_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "coordinator/http/answers.h"
#include "coordinator/http/byte_stream.h"
#include "coordinator/store/blob_path.h"
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
      {"Cache-Control", "no-cache"},
      {"X-Content-Type-Options", "nosniff"},
      {"Content-Security-Policy", "sandbox; default-src 'none'"}};
  if (!blob.name.empty()) {
    headers.add("Content-Disposition", "inline; filename*=UTF-8''" + encoded_name(blob.name));
  }
  if (blob.time) headers.add("X-Reading-Time", wire::format_rfc3339({*blob.time}));
  return headers;
}

/// The bytes of its file. Not a question: what has begun goes on also when too many of these wait.
ServedBytes bytes_of(Services& services, const ServedBlob& blob) {
  ServedBytes bytes{blob.hash.hex(), blob.size, headers_of(blob), nullptr};
  bytes.read = [&services, path = blob_path(services.blob_directory, blob.hash)](
                   std::uint64_t offset, std::size_t count, ServedBytes::Done done) {
    auto piece = std::make_shared<rt::Result<std::string>>(std::string());
    services.bodies.run(
        [&files = services.files, path, offset, count, piece] {
          *piece = files.read(path, offset, count);
          const bool missing = !*piece && piece->error().code == rt::Errc::kNotFound;
          if (missing) *piece = rt::Error{rt::Errc::kNotFound, "the body's file is missing"};
        },
        [piece, done = std::move(done)] { done(std::move(*piece)); });
  };
  return bytes;
}

}  // namespace

void serve_blob(Services& services, Call call, FindBlob find) {
  auto shared = std::make_shared<Call>(std::move(call));
  services.desk.ask<ServedBlob>(std::move(find), [&services, shared](rt::Result<ServedBlob> blob) {
    if (!blob) return shared->responder->respond(error_response(blob.error()));
    serve_bytes(bytes_of(services, *blob), shared->request, std::move(shared->responder));
  });
}

}  // namespace fieldpost::coordinator
