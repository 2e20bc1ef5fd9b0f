#include "coordinator/http/page_routes.h"

#include <string>
#include <string_view>

#include "web_files.h"

namespace fieldpost::coordinator {
namespace {

constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

void add_text(Router& router, std::string path, std::string_view type, std::string_view text) {
  router.add("GET", std::move(path), [type, text](const Call& call) {
    rt::HttpResponse response;
    response.headers.add("Content-Type", std::string(type));
    response.headers.add("Cache-Control", "no-cache");
    response.headers.add("Content-Security-Policy", std::string(kPolicy));
    response.headers.add("Referrer-Policy", "no-referrer");
    response.body = text;
    call.responder->respond(std::move(response));
  });
}

}  // namespace

void add_page_routes(Router& router) {
  add_text(router, "/", "text/html; charset=utf-8", web::kPage);
  add_text(router, "/page.js", "text/javascript; charset=utf-8", web::kScript);
  add_text(router, "/page.css", "text/css; charset=utf-8", web::kStyle);
  add_text(router, "/icon.svg", "image/svg+xml", web::kIcon);
  add_text(router, "/api/v1/openapi.json", "application/json", web::kOpenApi);
}

}  // namespace fieldpost::coordinator
