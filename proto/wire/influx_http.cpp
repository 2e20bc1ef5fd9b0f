#include "proto/wire/influx_http.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "proto/rt/http_text.h"
#include "proto/rt/json_text.h"
#include "proto/wire/gunzip.h"

namespace fieldpost::wire {
namespace {

using rt::HttpRequest;
using rt::HttpResponse;

// Clients look at the major version to choose their dialect.
constexpr std::string_view kVersionHeader = "1.8.0-fieldpost";

HttpResponse make_response(int status, std::string body) {
  HttpResponse response{.status = status, .headers = {}, .body = std::move(body)};
  response.headers.add("X-Influxdb-Version", std::string(kVersionHeader));
  response.headers.add("X-Influxdb-Build", "fieldpost");
  if (!response.body.empty()) response.headers.add("Content-Type", "application/json");
  return response;
}

std::string_view code_of(int status) {
  switch (status) {
    case 400: return "invalid";
    case 404: return "not found";
    case 405: return "method not allowed";
    case 413: return "request too large";
    case 415: return "unsupported media type";
    case 503: return "unavailable";
    default: return "internal error";
  }
}

HttpResponse make_error(InfluxVersion version, int status, std::string_view message,
                        std::size_t line = 0) {
  std::string body;
  if (version == InfluxVersion::k1) {
    body = "{\"error\":";
    rt::append_json_string(body, message);
  } else {
    body = fmt::format("{{\"code\":\"{}\",\"message\":", code_of(status));
    rt::append_json_string(body, message);
    if (line != 0) body += fmt::format(",\"line\":{}", line);
  }
  return make_response(status, body + "}\n");
}

HttpResponse refuse_method(InfluxVersion version, std::string allowed) {
  HttpResponse response = make_error(version, 405, "the method has to be " + allowed);
  response.headers.add("Allow", std::move(allowed));
  return response;
}

bool starts_with_word(std::string_view text, std::string_view upper) {
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t\r\n")));
  return text.size() >= upper.size() &&
         std::equal(upper.begin(), upper.end(), text.begin(),
                    [](char a, char b) { return a == (b >= 'a' && b <= 'z' ? b - 'a' + 'A' : b); });
}

std::string query_text(const HttpRequest& request) {
  if (const auto q = request.query("q")) return std::string(*q);
  const auto form = rt::parse_http_form(request.body);
  if (!form) return {};
  for (const auto& [name, value] : *form) {
    if (name == "q") return value;
  }
  return {};
}

HttpResponse answer_query(const HttpRequest& request) {
  constexpr auto k1 = InfluxVersion::k1;
  if (request.method != "GET" && request.method != "POST") return refuse_method(k1, "GET, POST");
  const std::string q = query_text(request);
  if (q.empty()) return make_error(k1, 400, "missing required parameter \"q\"");
  if (!starts_with_word(q, "CREATE ") && !starts_with_word(q, "SHOW ")) {
    return make_error(k1, 400,
                      "only CREATE and SHOW are understood: read over /api/v1/readings instead");
  }
  return make_response(200, "{\"results\":[{\"statement_id\":0}]}\n");
}

std::string describe_bad_lines(const LineReport& report) {
  std::string text = report.lines_stored > 0 ? "partial write: " : "unable to parse: ";
  for (const LineError& error : report.errors) {
    text += fmt::format("line {}: {}; ", error.line, error.what);
  }
  return text + fmt::format("stored={} dropped={}", report.lines_stored, report.lines_bad);
}

}  // namespace

std::optional<HttpResponse> answer_influx(const HttpRequest& request) {
  const std::string& path = request.target.path;
  if (path == "/ping") return make_response(204, {});
  if (path == "/query") return answer_query(request);
  if (path != "/health") return std::nullopt;
  return make_response(200,
                       "{\"name\":\"fieldpost\",\"message\":\"ready for writes\","
                       "\"status\":\"pass\",\"checks\":[]}\n");
}

bool is_influx_write(const HttpRequest& request) {
  return request.target.path == "/write" || request.target.path == "/api/v2/write";
}

std::variant<InfluxWrite, HttpResponse> begin_influx_write(HttpRequest request) {
  InfluxWrite write;
  write.version = request.target.path == "/write" ? InfluxVersion::k1 : InfluxVersion::k2;
  if (request.method != "POST") return refuse_method(write.version, "POST");
  const auto precision = parse_precision(request.query("precision").value_or(""));
  if (!precision) return make_error(write.version, 400, precision.error().message);
  write.precision = *precision;
  const std::string_view coding = request.headers.get("Content-Encoding");
  write.gzip = rt::same_http_name(coding, "gzip");
  if (!write.gzip && !coding.empty() && !rt::same_http_name(coding, "identity")) {
    return make_error(write.version, 415, "Content-Encoding has to be gzip or identity");
  }
  write.idempotency_key = request.headers.get("Idempotency-Key");
  if (write.idempotency_key.size() > kIdempotencyKeyBytesMax) {
    return make_error(
        write.version, 400,
        fmt::format("Idempotency-Key is longer than {} bytes", kIdempotencyKeyBytesMax));
  }
  write.body = std::move(request.body);
  if (write.body.size() > kInfluxBodyBytesMax) return refuse_influx_size(write.version);
  return write;
}

rt::Result<ParsedLines> parse_influx_write(InfluxWrite& write, LineOptions options) {
  options.precision = write.precision;
  if (write.gzip) {
    auto text = gunzip(write.body, kInfluxBodyBytesMax);
    if (!text) return text.error();
    write.body = *std::move(text);
  }
  return LineParser().parse(write.body, options);
}

HttpResponse answer_influx_write(InfluxVersion version, const LineReport& report) {
  if (report.lines_bad == 0) return make_response(204, {});
  const std::size_t line = report.errors.empty() ? 0 : report.errors.front().line;
  return make_error(version, 400, describe_bad_lines(report), line);
}

HttpResponse refuse_influx_write(InfluxVersion version, const rt::Error& error) {
  using rt::Errc;
  if (error.code == Errc::kInvalid) return make_error(version, 400, error.message);
  if (error.code != Errc::kBusy && error.code != Errc::kFull) {
    return make_error(version, 500, error.message);
  }
  const int seconds = error.code == Errc::kBusy ? kRetryAfterBusySeconds : kRetryAfterFullSeconds;
  HttpResponse response = make_error(version, 503, error.message);
  response.headers.add("Retry-After", std::to_string(seconds));
  return response;
}

HttpResponse refuse_influx_size(InfluxVersion version) {
  return make_error(version, 413,
                    fmt::format("a body may have {} bytes after unpacking", kInfluxBodyBytesMax));
}

}  // namespace fieldpost::wire
