#include "coordinator/http/api.h"

#include <utility>

#include "coordinator/http/aggregate_routes.h"
#include "coordinator/http/blob_routes.h"
#include "coordinator/http/deletion_routes.h"
#include "coordinator/http/health_routes.h"
#include "coordinator/http/node_routes.h"
#include "coordinator/http/page_routes.h"
#include "coordinator/http/readings_routes.h"
#include "proto/rt/http_text.h"

namespace fieldpost::coordinator {
namespace {

bool changes_something(const std::string& method) {
  return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

/// A browser says in `Origin` which page sends a request. Without users, another site's page must
/// not write here just because the browser can reach us. Other clients send no Origin.
bool comes_from_another_site(const rt::HttpRequest& request) {
  const std::string_view origin = request.headers.get("Origin");
  if (origin.empty()) return false;
  const std::size_t slashes = origin.find("://");
  return slashes == std::string_view::npos ||
         origin.substr(slashes + 3) != request.headers.get("Host");
}

}  // namespace

Api::Api(Services services)
    : services_(std::move(services)),
      live_(services_),
      writes_(services_),
      replays_(services_),
      blobs_(services_) {
  add_health_routes(router_, services_);
  add_node_routes(router_, services_);
  add_readings_routes(router_, services_);
  add_aggregate_routes(router_, services_);
  add_deletion_routes(router_, services_);
  add_blob_routes(router_, services_);
  add_page_routes(router_);
  live_.add_to(router_);
  writes_.add_to(router_);
  replays_.add_to(router_);
  blobs_.add_to(router_);
}

void Api::handle(rt::HttpRequest request, std::shared_ptr<rt::HttpResponder> responder) {
  if (changes_something(request.method) && comes_from_another_site(request)) {
    return responder->respond(
        rt::problem_response(403, "a page of another site may not change anything here"));
  }
  router_.route(std::move(request), std::move(responder));
}

}  // namespace fieldpost::coordinator
