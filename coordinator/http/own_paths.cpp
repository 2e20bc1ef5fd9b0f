#include "coordinator/http/own_paths.h"

#include <nlohmann/json.hpp>

#include "proto/rt/result.h"
#include "web_files.h"

namespace fieldpost::coordinator {

std::vector<std::string> own_paths() {
  // Of the archive and the badges, which are no part of the API.
  std::vector<std::string> paths = {"/apt", "/badge"};
  const auto document = nlohmann::json::parse(web::kOpenApi, nullptr, false);
  FP_CHECK(document.is_object());
  for (const auto& [path, methods] : document.at("paths").items()) paths.push_back(path);
  return paths;
}

}  // namespace fieldpost::coordinator
