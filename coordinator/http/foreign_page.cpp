#include "coordinator/http/foreign_page.h"

#include "proto/rt/http_text.h"

namespace fieldpost::coordinator {

bool comes_from_another_site(const rt::HttpRequest& request) {
  const std::string_view sender = request.headers.get("Sec-Fetch-Site");
  if (sender == "cross-site" || sender == "same-site") return true;
  const std::string_view origin = request.headers.get("Origin");
  if (origin.empty()) return false;
  const std::size_t slashes = origin.find("://");
  return slashes == std::string_view::npos ||
         origin.substr(slashes + 3) != request.headers.get("Host");
}

void refuse_foreign_page(rt::HttpResponder& responder) {
  responder.respond(
      rt::problem_response(403, "a page of another site may not change anything here"));
}

}  // namespace fieldpost::coordinator
