#include "proto/wire/blob_http.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/rt/http_text.h"
#include "proto/wire/influx_http.h"
#include "proto/wire/limits.h"
#include "proto/wire/media_type.h"
#include "proto/wire/rfc3339.h"

namespace fieldpost::wire {
namespace {

using rt::Errc;
using rt::Error;
using rt::Status;
using Json = nlohmann::ordered_json;

constexpr std::string_view kTagPrefix = "tag.";

Error bad(std::string_view name, std::string_view expected) {
  return {Errc::kInvalid, fmt::format("parameter {}: {}", name, expected)};
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<rt::UnixTime> parse_time(const std::string& text) {
  if (const auto ns = parse_number<std::int64_t>(text)) return rt::UnixTime{*ns};
  const auto time = parse_rfc3339(text);
  return time ? std::optional(*time) : std::nullopt;
}

Status take_size(BlobWrite& write, const std::string& text) {
  write.size = parse_number<std::uint64_t>(text);
  const bool fits = write.size && *write.size >= 1 && *write.size <= kBodyBytesMax;
  return fits ? rt::ok()
              : Status(bad("size",
                           fmt::format("expected the bytes of the whole, 1 to {}", kBodyBytesMax)));
}

Status take_offset(BlobWrite& write, const std::string& text) {
  const auto offset = parse_number<std::uint64_t>(text);
  if (!offset) return bad("offset", "expected where this piece begins");
  write.offset = *offset;
  return rt::ok();
}

Status take_parameter(BlobWrite& write, const std::string& name, std::string value) {
  if (name == "size") return take_size(write, value);
  if (name == "offset") return take_offset(write, value);
  if (name == "sha256") {
    write.hash = Sha256Digest::from_hex(value);
    return write.hash ? rt::ok() : Status(bad(name, "expected 64 lower-case hex digits"));
  }
  if (name == "time") {
    write.time = parse_time(value);
    return write.time ? rt::ok() : Status(bad(name, "expected a time of RFC 3339 or nanoseconds"));
  }
  if (name.starts_with(kTagPrefix) && name.size() > kTagPrefix.size()) {
    write.series.tags.emplace_back(name.substr(kTagPrefix.size()), std::move(value));
    return rt::ok();
  }
  if (name == "measurement") return (write.series.measurement = std::move(value), rt::ok());
  if (name == "field") return (write.series.field = std::move(value), rt::ok());
  if (name == "name") return (write.name = std::move(value), rt::ok());
  if (name == "node") return (write.node = std::move(value), rt::ok());
  return bad(name, "no such parameter");
}

Status check_whole(const BlobWrite& write) {
  if (write.series.measurement.empty()) return bad("measurement", "expected the name of one");
  if (!SeriesKey::parse(write.series.text())) {
    return bad("measurement", "no series has such a name, or such tags");
  }
  if (write.size && !write.hash) return bad("sha256", "expected beside size");
  if (!write.size && write.offset > 0) return bad("offset", "expected size and sha256 beside it");
  if (write.size &&
      (write.offset > *write.size || write.body.size() > *write.size - write.offset)) {
    return bad("offset", "expected a piece inside the whole");
  }
  if (!is_media_type(write.type)) {
    return Error{Errc::kInvalid, "Content-Type: expected a media type such as image/jpeg"};
  }
  if (!is_body_name(write.name)) return bad("name", "expected at most 255 bytes, no slashes");
  return rt::ok();
}

}  // namespace

rt::Result<BlobWrite> read_blob_write(rt::HttpRequest request) {
  BlobWrite write;
  write.series.field = kBlobField;
  write.series.type = ValueType::kString;
  write.type = media_type_of_field(request.headers.get("Content-Type"));
  write.name = request.headers.get("X-Filename");
  write.idempotency_key = request.headers.get("Idempotency-Key");
  write.body = std::move(request.body);
  if (write.idempotency_key.size() > kIdempotencyKeyBytesMax) {
    return Error{Errc::kInvalid,
                 fmt::format("Idempotency-Key is longer than {} bytes", kIdempotencyKeyBytesMax)};
  }
  if (!request.headers.get("Content-Encoding").empty()) {
    return Error{Errc::kInvalid, "Content-Encoding: expected the bytes as they are"};
  }
  std::vector<std::string> seen;
  for (auto& [name, value] : request.target.query) {
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) return bad(name, "expected once");
    seen.push_back(name);
    if (auto taken = take_parameter(write, name, std::move(value)); !taken) return taken.error();
  }
  std::sort(write.series.tags.begin(), write.series.tags.end());
  if (auto checked = check_whole(write); !checked) return checked.error();
  return write;
}

std::string blob_json(const BodyReference& reference, const SeriesKey& series,
                      std::string_view node, rt::UnixTime time) {
  Json tags = Json::object();
  for (const auto& [key, value] : series.tags) tags[key] = value;
  return Json{{"sha256", reference.hash.hex()},
              {"size", reference.size},
              {"type", reference.type},
              {"name", reference.name.empty() ? Json(nullptr) : Json(reference.name)},
              {"node", node},
              {"measurement", series.measurement},
              {"tags", tags},
              {"field", series.field},
              {"time", format_rfc3339(time)}}
      .dump();
}

std::string blob_piece_json(const Sha256Digest& hash, std::uint64_t size, std::uint64_t received) {
  return Json{{"sha256", hash.hex()}, {"size", size}, {"received", received}}.dump();
}

rt::HttpResponse refuse_blob(const rt::Error& error) {
  const auto later = [&error](int status, int seconds) {
    rt::HttpResponse response = rt::problem_response(status, error.message);
    response.headers.add("Retry-After", std::to_string(seconds));
    return response;
  };
  switch (error.code) {
    case Errc::kInvalid: return rt::problem_response(400, error.message);
    case Errc::kNotFound: return rt::problem_response(404, error.message);
    case Errc::kDenied: return rt::problem_response(403, error.message);
    case Errc::kBusy:
    case Errc::kUnavailable: return later(503, kRetryAfterBusySeconds);
    case Errc::kFull: return later(503, kRetryAfterFullSeconds);
    case Errc::kCorrupt:
    case Errc::kIo: return rt::problem_response(500, error.message);
  }
  FP_CHECK(false);
}

}  // namespace fieldpost::wire
