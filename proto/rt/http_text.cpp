#include "proto/rt/http_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <utility>

#include "proto/rt/json_text.h"

namespace fieldpost::rt {
namespace {

constexpr std::array<std::string_view, 4> kOwnFields = {"content-length", "transfer-encoding",
                                                        "connection", "date"};

bool is_own(std::string_view name) {
  return std::any_of(kOwnFields.begin(), kOwnFields.end(), [&](std::string_view own) {
    return std::equal(own.begin(), own.end(), name.begin(), name.end(),
                      [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
  });
}

bool breaks_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

/// IMF-fixdate of RFC 9110, 5.6.7.
std::string format_date(std::int64_t date_s) {
  using namespace std::chrono;
  static constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                            "Thu", "Fri", "Sat"};
  static constexpr std::array<std::string_view, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const sys_seconds time{seconds{date_s}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[weekday{day}.c_encoding()],
                     static_cast<unsigned>(date.day()),
                     kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

void append_framing(std::string& out, const HttpHead& head) {
  switch (head.framing) {
    case HttpFraming::kNone:
    case HttpFraming::kUntilClose: return;
    case HttpFraming::kChunked: out += "Transfer-Encoding: chunked\r\n"; return;
    case HttpFraming::kLength:
      fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", head.body_bytes);
      return;
  }
}

}  // namespace

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string format_http_target(const HttpTarget& target) {
  std::string out;
  std::string_view path = target.path;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    out += percent_encode(path.substr(0, slash));
    if (slash < path.size()) out += '/';
    path.remove_prefix(std::min(path.size(), slash + 1));
  }
  char divider = '?';
  for (const auto& [name, value] : target.query) {
    out += std::exchange(divider, '&') + percent_encode(name) + '=' + percent_encode(value);
  }
  return out;
}

std::string_view http_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "";
  }
}

HttpResponse problem_response(int status, std::string_view detail) {
  HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "application/problem+json");
  response.body = R"({"type":"about:blank","title":)";
  append_json_string(response.body, http_phrase(status));
  response.body += fmt::format(R"(,"status":{},"detail":)", status);
  append_json_string(response.body, detail);
  response.body += "}\n";
  return response;
}

std::string format_http_head(const HttpHead& head, const HttpHeaders& headers) {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", head.status,
                                http_phrase(head.status), format_date(head.date_s));
  for (const auto& [name, value] : headers.fields()) {
    if (is_own(name) || breaks_line(name) || breaks_line(value)) continue;
    out.append(name).append(": ").append(value).append("\r\n");
  }
  append_framing(out, head);
  out += head.keeps_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return out;
}

std::string format_http_chunk(std::string_view bytes) {
  if (bytes.empty()) return {};
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

}  // namespace fieldpost::rt
