#include "coordinator/http/device_routes.h"

#include <fmt/format.h>

#include <utility>

#include "coordinator/http/foreign_page.h"
#include "proto/rt/http_text.h"

namespace fieldpost::coordinator {
namespace {

mapping::RouteDoor::Store store_in(CoordinatorView& view) {
  return [&view](const std::string& node, wire::ParsedLines lines, std::string idempotency_key,
                 mapping::RouteDoor::Stored stored) {
    view.write({node, std::move(lines), std::move(idempotency_key)},
               [stored = std::move(stored)](const rt::Result<HttpWriteAnswer>& answer) {
                 stored(answer ? rt::Result<std::size_t>(answer->lines)
                               : rt::Result<std::size_t>(answer.error()));
               });
  };
}

/// HEAD comes to the handler of GET, and asks for nothing that a device would send.
void refuse_head(rt::HttpResponder& responder) {
  rt::HttpResponse response = rt::problem_response(405, "a device's readings come by GET here");
  response.headers.add("Allow", "GET");
  responder.respond(std::move(response));
}

void take(mapping::RouteDoor& door, Call call) {
  if (call.request.method != door.route().method) return refuse_head(*call.responder);
  if (comes_from_another_site(call.request)) return refuse_foreign_page(*call.responder);
  door.take(std::move(call.request), std::move(call.responder));
}

}  // namespace

DeviceRoutes::DeviceRoutes(Services& services) {
  const auto load = std::make_shared<mapping::RouteLoad>();
  for (const mapping::HttpRoute& route : services.routes) {
    auto door = mapping::RouteDoor::make(
        {services.parser, services.clock, load, store_in(services.view)}, route);
    FP_CHECK(door.has_value());
    doors_.push_back(*std::move(door));
  }
}

void DeviceRoutes::add_to(Router& router) {
  for (const auto& door : doors_) {
    router.add(door->route().method, door->route().rules.topic,
               [&door = *door](Call call) { take(door, std::move(call)); });
  }
}

std::vector<Metric> DeviceRoutes::metrics() const {
  if (doors_.empty()) return {};
  std::vector<Metric> out = {{"fieldpost_route_readings_total",
                              "Readings of requests of devices.",
                              MetricKind::kCounter,
                              {}},
                             {"fieldpost_route_requests_kept_total",
                              "Requests that did not fit their route.",
                              MetricKind::kCounter,
                              {}},
                             {"fieldpost_route_requests_refused_total",
                              "Requests of which nothing is kept.",
                              MetricKind::kCounter,
                              {}}};
  for (const auto& door : doors_) {
    const mapping::RouteCounts& counts = door->counts();
    const std::string name = fmt::format("{} {}", door->route().method, door->route().rules.topic);
    const std::uint64_t values[] = {counts.readings, counts.kept, counts.refused};
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i].samples.push_back({{{"route", name}}, static_cast<double>(values[i])});
    }
  }
  return out;
}

}  // namespace fieldpost::coordinator
