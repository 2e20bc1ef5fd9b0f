#pragma once

#include <cstddef>
#include <string>

#include "proto/mapping/rules.h"
#include "proto/rt/http.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"

namespace fieldpost::mapping {

inline constexpr std::size_t kRoutesMax = 64;  ///< of one program

/// One [[http_route]]: what a device that cannot be changed sends, and the answer it wants.
struct HttpRoute {
  std::string method = "POST";
  MappingRules rules;     ///< of requests; their topic is the path
  bool keep_raw = false;  ///< every request; otherwise only those that do not fit
  std::string node;       ///< whose the readings are; empty: `?node=`, or "http"
  int response_status = 204;
  std::string response_body;  ///< none with 204
  std::string response_type = "text/plain; charset=utf-8";
};

/// "http_route:POST /door/{door}/event": what the source and its raw messages are called.
[[nodiscard]] std::string route_name(const HttpRoute& route);

/// kInvalid: the first thing wrong with its rules and its name.
[[nodiscard]] rt::Status check_route(const HttpRoute& route);

/// The answer that the device wants.
[[nodiscard]] rt::HttpResponse answer_route(const HttpRoute& route);
/// 400 for a request that does not fit and is kept: why, and how to make readings of it later.
[[nodiscard]] rt::HttpResponse answer_kept(const HttpRoute& route, const std::string& node,
                                           const std::string& why, rt::UnixTime arrived);
/// kBusy, kUnavailable and kFull: 503 with Retry-After; kInvalid: 400; others: 500. Nothing is
/// kept.
[[nodiscard]] rt::HttpResponse refuse_route(const rt::Error& error);

}  // namespace fieldpost::mapping
