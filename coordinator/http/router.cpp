#include "coordinator/http/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "proto/rt/http_text.h"

namespace fieldpost::coordinator {
namespace {

std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);  // the slash
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
  std::vector<std::string> found;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view expected = take_segment(pattern);
    const std::string_view segment = take_segment(path);
    if (expected.starts_with('{')) {
      if (segment.empty()) return std::nullopt;
      found.emplace_back(segment);
    } else if (segment != expected) {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return found;
}

std::string join_methods(std::vector<std::string> methods) {
  if (std::find(methods.begin(), methods.end(), "GET") != methods.end()) methods.push_back("HEAD");
  methods.push_back("OPTIONS");
  std::sort(methods.begin(), methods.end());
  methods.erase(std::unique(methods.begin(), methods.end()), methods.end());
  std::string text;
  for (const std::string& method : methods) text += (text.empty() ? "" : ", ") + method;
  return text;
}

rt::HttpResponse answer_without_handler(const rt::HttpRequest& request,
                                        const std::vector<std::string>& methods) {
  if (methods.empty()) {
    return rt::problem_response(404, fmt::format("there is nothing at {}", request.target.path));
  }
  const std::string allowed = join_methods(methods);
  rt::HttpResponse response =
      request.method == "OPTIONS"
          ? rt::HttpResponse{.status = 204, .headers = {}, .body = {}}
          : rt::problem_response(405, fmt::format("{} takes {}", request.target.path, allowed));
  response.headers.add("Allow", allowed);
  return response;
}

}  // namespace

void Router::add(std::string method, std::string pattern, Handler handler) {
  routes_.push_back({std::move(method), std::move(pattern), std::move(handler)});
}

void Router::route(rt::HttpRequest request, std::shared_ptr<rt::HttpResponder> responder) const {
  // A view of each side: "GET" and a string would meet in a temporary string.
  const std::string_view method =
      request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
  std::vector<std::string> methods;
  for (const Route& route : routes_) {
    auto path = match(route.pattern, request.target.path);
    if (!path) continue;
    if (route.method == method) {
      return route.handler({std::move(request), *std::move(path), std::move(responder)});
    }
    methods.push_back(route.method);
  }
  responder->respond(answer_without_handler(request, methods));
}

}  // namespace fieldpost::coordinator
