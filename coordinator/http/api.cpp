#include "coordinator/http/api.h"

#include <utility>

#include "coordinator/http/aggregate_routes.h"
#include "coordinator/http/blob_routes.h"
#include "coordinator/http/config_routes.h"
#include "coordinator/http/deletion_routes.h"
#include "coordinator/http/experiment_routes.h"
#include "coordinator/http/export_routes.h"
#include "coordinator/http/foreign_page.h"
#include "coordinator/http/health_routes.h"
#include "coordinator/http/import_routes.h"
#include "coordinator/http/node_routes.h"
#include "coordinator/http/page_routes.h"
#include "coordinator/http/readings_routes.h"

namespace fieldpost::coordinator {
namespace {

bool changes_something(const std::string& method) {
  return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

}  // namespace

Api::Api(Services services)
    : services_(std::move(services)),
      live_(services_),
      writes_(services_),
      replays_(services_),
      devices_(services_),
      blobs_(services_) {
  services_.route_metrics = [this] { return devices_.metrics(); };
  add_health_routes(router_, services_);
  add_node_routes(router_, services_);
  add_readings_routes(router_, services_);
  add_aggregate_routes(router_, services_);
  add_deletion_routes(router_, services_);
  add_config_routes(router_, services_);
  add_experiment_routes(router_, services_);
  add_member_routes(router_, services_);
  add_recording_routes(router_, services_);
  add_logbook_routes(router_, services_);
  add_export_routes(router_, services_);
  add_import_routes(router_, services_);
  add_blob_routes(router_, services_);
  add_page_routes(router_);
  live_.add_to(router_);
  writes_.add_to(router_);
  replays_.add_to(router_);
  devices_.add_to(router_);
  blobs_.add_to(router_);
}

void Api::handle(rt::HttpRequest request, std::shared_ptr<rt::HttpResponder> responder) {
  if (changes_something(request.method) && comes_from_another_site(request)) {
    return refuse_foreign_page(*responder);
  }
  router_.route(std::move(request), std::move(responder));
}

}  // namespace fieldpost::coordinator
