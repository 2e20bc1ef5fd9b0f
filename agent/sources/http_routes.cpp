#include "agent/sources/http_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "proto/rt/http_text.h"

namespace fieldpost::agent {
namespace {

/// What one route tells of itself.
class HttpRouteSource final : public Source {
 public:
  explicit HttpRouteSource(std::shared_ptr<const mapping::RouteDoor> door)
      : door_(std::move(door)) {}
  [[nodiscard]] SourceHealth health() const override {
    const mapping::RouteCounts& counts = door_->counts();
    return {mapping::route_name(door_->route()), counts.readings, counts.kept + counts.refused,
            counts.last_error};
  }

 private:
  std::shared_ptr<const mapping::RouteDoor> door_;
};

/// A name stands for one segment that is not empty.
bool matches(const mapping::TopicPattern& path, const std::string& requested) {
  const auto names = path.match(requested);
  return names &&
         std::ranges::none_of(*names, [](const auto& each) { return each.second.empty(); });
}

mapping::RouteDoor::Store store_in(Intake& intake) {
  return [&intake](const std::string&, wire::ParsedLines lines, std::string idempotency_key,
                   mapping::RouteDoor::Stored stored) {
    intake.accept_durable(std::move(lines), {std::move(idempotency_key)},
                          [stored = std::move(stored)](const rt::Result<Accepted>& accepted) {
                            stored(accepted ? rt::Result<std::size_t>(accepted->lines)
                                            : rt::Result<std::size_t>(accepted.error()));
                          });
  };
}

}  // namespace

rt::Result<std::unique_ptr<HttpRoutes>> HttpRoutes::make(
    const LinePorts& ports, const std::vector<mapping::HttpRoute>& routes) {
  auto out = std::make_unique<HttpRoutes>();
  const auto load = std::make_shared<mapping::RouteLoad>();
  for (const mapping::HttpRoute& route : routes) {
    auto door =
        mapping::RouteDoor::make({ports.worker, ports.clock, load, store_in(ports.intake)}, route);
    if (!door) return door.error();
    auto path = mapping::TopicPattern::parse(route.rules.topic);
    if (!path) return path.error();
    out->routes_.push_back({*std::move(path), *std::move(door)});
  }
  return out;
}

bool HttpRoutes::try_handle(rt::HttpRequest& request,
                            const std::shared_ptr<rt::HttpResponder>& responder) {
  std::set<std::string> methods;
  for (const Route& route : routes_) {
    if (!matches(route.path, request.target.path)) continue;
    const std::string& method = route.door->route().method;
    if (method == request.method) {
      route.door->take(std::move(request), responder);
      return true;
    }
    methods.insert(method);
  }
  if (methods.empty()) return false;
  const std::string allowed = fmt::format("{}", fmt::join(methods, ", "));
  rt::HttpResponse response =
      rt::problem_response(405, fmt::format("{} takes {}", request.target.path, allowed));
  response.headers.add("Allow", allowed);
  responder->respond(std::move(response));
  return true;
}

std::vector<std::unique_ptr<Source>> HttpRoutes::make_sources() const {
  std::vector<std::unique_ptr<Source>> sources;
  for (const Route& route : routes_) {
    sources.push_back(std::make_unique<HttpRouteSource>(route.door));
  }
  return sources;
}

}  // namespace fieldpost::agent
