#include "proto/mapping/http_route_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "proto/mapping/mapping_keys.h"
#include "proto/wire/topics.h"

namespace fieldpost::mapping {
namespace {

using rt::ConfigTable;
using rt::ConfigType;
using rt::Result;

constexpr std::size_t kPathBytesMax = 200;  // the node's state tells it
constexpr std::size_t kTypeBytesMax = 256;
constexpr std::size_t kBodyBytesMax = 4096;

bool is_path(std::string_view text) {
  return text.size() <= kPathBytesMax && check_path(text).has_value();
}

bool is_not_empty(std::string_view text) {
  return !text.empty();
}

bool is_node(std::string_view text) {
  return text.empty() || wire::is_valid_id(text);
}

bool is_media_type(std::string_view text) {
  return !text.empty() && text.size() <= kTypeBytesMax &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_short(std::string_view text) {
  return text.size() <= kBodyBytesMax;
}

std::vector<rt::ConfigKey> response_keys() {
  return {{.name = "response_status",
           .type = ConfigType::kInteger,
           .preset = "204",
           .least = "200",
           .most = "299",
           .meaning = "what the device wants to hear"},
          {.name = "response_body",
           .meaning = "the same",
           .is_valid = is_short,
           .expectation = fmt::format("at most {} bytes", kBodyBytesMax)},
          {.name = "response_type",
           .preset = "text/plain; charset=utf-8",
           .meaning = "of response_body",
           .is_valid = is_media_type,
           .expectation = "a media type such as \"text/plain\""}};
}

RuleFormat read_body(const std::string& name) {
  if (name == "form") return RuleFormat::kRequestForm;
  return name == "query" ? RuleFormat::kRequestQuery : RuleFormat::kRequestJson;
}

std::string_view first_segment(std::string_view path) {
  path.remove_prefix(std::min<std::size_t>(1, path.size()));
  return path.substr(0, path.find('/'));
}

rt::Status check_own(const ConfigTable& table, const std::vector<std::string>& own_paths) {
  const std::string_view first = first_segment(table.text("path"));
  if (first.starts_with('{')) {
    return table.error("path",
                       "expected text between its first slashes, for this program has "
                       "paths of its own");
  }
  const auto taken = std::ranges::find(own_paths, first,
                                       [](const std::string& own) { return first_segment(own); });
  if (taken == own_paths.end()) return rt::ok();
  return table.error("path", fmt::format("expected a path that does not begin with /{}: {} is this "
                                         "program's own",
                                         first, *taken));
}

rt::Status check_response(const ConfigTable& table) {
  if (table.integer("response_status") != 204 || table.text("response_body").empty()) {
    return rt::ok();
  }
  return table.error("response_body", "expected response_status = 200 beside it: 204 has no body");
}

Result<HttpRoute> read_route(const ConfigTable& table) {
  auto mapping = read_mapping(table);
  if (!mapping) return mapping.error();
  HttpRoute route;
  route.method = table.text("method");
  route.rules.format = read_body(table.text("body"));
  route.rules.topic = table.text("path");
  route.rules.measurement = table.text("measurement");
  route.rules.json = *std::move(mapping);
  route.keep_raw = table.flag("keep_raw");
  if (table.has("node")) route.node = table.text("node");
  route.response_status = static_cast<int>(table.integer("response_status"));
  route.response_body = table.text("response_body");
  route.response_type = table.text("response_type");
  if (route.method == "GET" && route.rules.format != RuleFormat::kRequestQuery) {
    return table.error("body", "expected \"query\": a GET has no body");
  }
  if (auto checked = check_route(route); !checked) {
    return table.error("fields", checked.error().message);
  }
  return route;
}

}  // namespace

rt::ConfigSection http_route_section(RouteNode node) {
  rt::ConfigSection section{
      .name = "http_route",
      .repeated = true,
      .kind = {},
      .keys = {{.name = "path",
                .meaning = "of requests; segments are text or {a tag}",
                .required = true,
                .is_valid = is_path,
                .expectation = fmt::format(
                    "a path such as \"/door/{{door}}/event\" of at most {} bytes", kPathBytesMax)},
               {.name = "method",
                .preset = "POST",
                .meaning = "of requests",
                .choices = {"GET", "POST", "PUT"}},
               {.name = "body",
                .preset = "json",
                .meaning = "where the values are; query: parameters of the URL",
                .choices = {"json", "form", "query"}},
               {.name = "measurement",
                .meaning = "of the readings",
                .required = true,
                .is_valid = is_not_empty,
                .expectation = "not empty"},
               keep_raw_key()}};
  for (auto& key : mapping_keys("", "JSON pointer, or parameter of form and query"))
    section.keys.push_back(std::move(key));
  if (node == RouteNode::kChosen) {
    section.keys.push_back({.name = "node",
                            .meaning = "whose the readings are; empty: as ?node= says, or http",
                            .is_valid = is_node,
                            .expectation = "a name of [a-z0-9][a-z0-9_-]{0,62}"});
  }
  for (auto& key : response_keys()) section.keys.push_back(std::move(key));
  return section;
}

Result<std::vector<HttpRoute>> read_http_routes(const rt::Config& config,
                                                const std::vector<std::string>& own_paths) {
  std::vector<HttpRoute> routes;
  std::set<std::string> names;
  for (const ConfigTable& table : config.tables("http_route")) {
    if (routes.size() == kRoutesMax) {
      return table.error("path", fmt::format("expected at most {} routes", kRoutesMax));
    }
    if (auto checked = check_own(table, own_paths); !checked) return checked.error();
    if (auto checked = check_response(table); !checked) return checked.error();
    auto route = read_route(table);
    if (!route) return route.error();
    if (!names.insert(route_name(*route)).second) {
      return table.error(
          "path", fmt::format("another route takes {} {}", route->method, route->rules.topic));
    }
    routes.push_back(*std::move(route));
  }
  return routes;
}

}  // namespace fieldpost::mapping
