#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/rt/http.h"

namespace fieldpost::coordinator {

/// One request on its way to its handler.
struct Call {
  rt::HttpRequest request;
  std::vector<std::string> path;  ///< what stood for each {name} of the pattern, in order
  std::shared_ptr<rt::HttpResponder> responder;
};

/// Finds the handler of a request by method and path.
class Router {
 public:
  using Handler = std::function<void(Call)>;
  struct Route {
    std::string method;
    std::string pattern;  ///< "/api/v1/nodes/{id}": a {name} stands for one segment, not empty
    Handler handler;
  };

  void add(std::string method, std::string pattern, Handler handler);
  /// HEAD goes to the handler of GET. 404 and 405 (with Allow) are answered here, and OPTIONS.
  void route(rt::HttpRequest request, std::shared_ptr<rt::HttpResponder> responder) const;
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace fieldpost::coordinator
