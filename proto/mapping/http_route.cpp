#include "proto/mapping/http_route.h"

#include <fmt/format.h>

#include "proto/mapping/mapper.h"
#include "proto/mapping/raw_keeper.h"
#include "proto/rt/http_text.h"
#include "proto/wire/influx_http.h"
#include "proto/wire/rfc3339.h"

namespace fieldpost::mapping {
namespace {

using rt::Errc;
using rt::HttpResponse;

/// As a word of a shell's command.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

std::string route_name(const HttpRoute& route) {
  return fmt::format("http_route:{} {}", route.method, route.rules.topic);
}

rt::Status check_route(const HttpRoute& route) {
  if (auto mapper = Mapper::make(route.rules); !mapper) return mapper.error();
  const auto keeper = RawKeeper::make(route_name(route), route.rules);
  return keeper ? rt::ok() : rt::Status(keeper.error());
}

HttpResponse answer_route(const HttpRoute& route) {
  HttpResponse response{
      .status = route.response_status, .headers = {}, .body = route.response_body};
  if (!response.body.empty()) response.headers.add("Content-Type", route.response_type);
  return response;
}

HttpResponse answer_kept(const HttpRoute& route, const std::string& node, const std::string& why,
                         rt::UnixTime arrived) {
  return rt::problem_response(
      400, fmt::format("{}. The request is kept as it came; with rules that fit, fieldpost "
                       "reprocess --node {} --source {} --from {} --rules FILE --really makes "
                       "readings of it",
                       why, node, shell_quoted(route_name(route)), wire::format_rfc3339(arrived)));
}

HttpResponse refuse_route(const rt::Error& error) {
  const bool is_full = error.code == Errc::kFull;
  if (error.code == Errc::kInvalid) {
    return rt::problem_response(400, error.message + ". Nothing of the request is kept");
  }
  if (!is_full && error.code != Errc::kBusy && error.code != Errc::kUnavailable) {
    return rt::problem_response(500, error.message);
  }
  const int seconds = is_full ? wire::kRetryAfterFullSeconds : wire::kRetryAfterBusySeconds;
  HttpResponse response = rt::problem_response(503, error.message);
  response.headers.add("Retry-After", std::to_string(seconds));
  return response;
}

}  // namespace fieldpost::mapping
