#include "coordinator/http/answers.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <iterator>
#include <utility>

#include "coordinator/http/cursor.h"
#include "proto/rt/http_text.h"
#include "proto/rt/json_text.h"
#include "proto/wire/rfc3339.h"

namespace fieldpost::coordinator {
namespace {

constexpr std::string_view kRetryAfterSeconds = "1";

int status_of(rt::Errc code) {
  switch (code) {
    case rt::Errc::kBusy:
    case rt::Errc::kUnavailable:
    case rt::Errc::kFull: return 503;
    case rt::Errc::kInvalid: return 400;
    case rt::Errc::kNotFound: return 404;
    case rt::Errc::kDenied: return 403;
    case rt::Errc::kCorrupt:
    case rt::Errc::kIo: return 500;
  }
  return 500;
}

}  // namespace

rt::HttpResponse json_response(std::string body, int status) {
  rt::HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.headers.add("Cache-Control", "no-store");
  response.body = std::move(body);
  response.body += '\n';
  return response;
}

std::string list_json(std::string_view items, std::string_view next_cursor) {
  std::string out = fmt::format("{{\"items\":[{}],\"next_cursor\":", items);
  if (next_cursor.empty()) {
    out += "null";
  } else {
    rt::append_json_string(out, next_cursor);
  }
  out += '}';
  return out;
}

std::int64_t row_after(Parameters& parameters, char kind) {
  const std::string cursor = parameters.text("cursor");
  if (cursor.empty()) return 0;
  const auto place = read_number_cursor(kind, cursor, 1);
  if (place) return place->front();
  parameters.complain("cursor", "expected a next_cursor of this list");
  return 0;
}

std::string page_json(const std::string& items, char kind, bool full, std::int64_t last_row) {
  return list_json(items, full ? make_number_cursor(kind, {last_row}) : "");
}

rt::HttpResponse error_response(const rt::Error& error) {
  rt::HttpResponse response = rt::problem_response(status_of(error.code), error.message);
  if (response.status == 503) response.headers.add("Retry-After", std::string(kRetryAfterSeconds));
  return response;
}

std::function<void(rt::Result<std::string>)> answer_json(
    std::shared_ptr<rt::HttpResponder> responder) {
  return [responder = std::move(responder)](rt::Result<std::string> body) {
    responder->respond(body ? json_response(*std::move(body)) : error_response(body.error()));
  };
}

bool refuse_bad(const Parameters& parameters, rt::HttpResponder& responder) {
  const auto problem = parameters.problem();
  if (problem) responder.respond(rt::problem_response(400, *problem));
  return problem.has_value();
}

std::string_view host_of(std::string_view peer) {
  return peer.substr(0, peer.rfind(':'));
}

void append_time(std::string& out, std::int64_t ns, TimeFormat format) {
  if (format == TimeFormat::kNs) {
    fmt::format_to(std::back_inserter(out), "{}", ns);
  } else {
    out += '"';
    wire::append_rfc3339(out, {ns});
    out += '"';
  }
}

std::string time_json(std::int64_t ns, TimeFormat format) {
  std::string out;
  append_time(out, ns, format);
  return out;
}

void append_double(std::string& out, double value) {
  if (std::isfinite(value)) {
    fmt::format_to(std::back_inserter(out), "{}", value);
  } else {
    out += "null";
  }
}

void append_value(std::string& out, wire::ValueType type, std::uint64_t bits,
                  std::string_view text) {
  const auto into = std::back_inserter(out);
  switch (type) {
    case wire::ValueType::kF64: append_double(out, std::bit_cast<double>(bits)); return;
    case wire::ValueType::kI64: fmt::format_to(into, "{}", static_cast<std::int64_t>(bits)); return;
    case wire::ValueType::kU64: fmt::format_to(into, "{}", bits); return;
    case wire::ValueType::kBool: out += bits != 0 ? "true" : "false"; return;
    case wire::ValueType::kString: rt::append_json_string(out, text); return;
  }
}

}  // namespace fieldpost::coordinator
