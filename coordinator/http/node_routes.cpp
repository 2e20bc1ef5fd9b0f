#include "coordinator/http/node_routes.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "coordinator/http/answers.h"
#include "coordinator/http/cursor.h"
#include "coordinator/http/readings_routes.h"
#include "coordinator/http/view_json.h"
#include "proto/rt/http_text.h"
#include "proto/rt/json_depth.h"
#include "proto/wire/limits.h"

namespace fieldpost::coordinator {
namespace {

constexpr char kNodeCursor = 'n';
constexpr char kGapCursor = 'g';
constexpr char kCommandCursor = 'c';

using Responder = std::shared_ptr<rt::HttpResponder>;

template <typename View>
std::string join_json(const std::vector<View>& views, TimeFormat times) {
  std::string items;
  for (const View& view : views) items += (items.empty() ? "" : ",") + to_json(view, times);
  return items;
}

void list_nodes(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const std::size_t limit = parameters.limit(kPageDefault, kPageMax);
  const TimeFormat times = parameters.times();
  const std::string cursor = parameters.text("cursor");
  const auto after = cursor.empty() ? std::string() : read_cursor(kNodeCursor, cursor);
  if (!after) parameters.complain("cursor", "expected a next_cursor of this list");
  if (refuse_bad(parameters, *call.responder)) return;
  services.view.list_nodes(
      *after, limit, [times, responder = std::move(call.responder)](rt::Result<NodePage> page) {
        if (!page) return responder->respond(error_response(page.error()));
        const bool more = page->more && !page->nodes.empty();
        responder->respond(
            json_response(list_json(join_json(page->nodes, times),
                                    more ? make_cursor(kNodeCursor, page->nodes.back().id) : "")));
      });
}

void show_node(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const TimeFormat times = parameters.times();
  if (refuse_bad(parameters, *call.responder)) return;
  services.view.find_node(call.path[0], [times, responder = std::move(call.responder)](
                                            rt::Result<NodeView> node) {
    responder->respond(node ? json_response(to_json(*node, times)) : error_response(node.error()));
  });
}

/// Nodes are configured by files of their own, which nobody tells the coordinator.
rt::HttpResponse local_config(const std::string& node) {
  return json_response(
      nlohmann::ordered_json{{"node", node}, {"config", nullptr}, {"source", "local"}}.dump());
}

void show_config(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  services.view.find_node(
      call.path[0], [responder = std::move(call.responder)](rt::Result<NodeView> node) {
        responder->respond(node ? local_config(node->id) : error_response(node.error()));
      });
}

void list_gaps(Services& services, Call call) {
  Parameters parameters(call.request.target);
  GapFilter filter;
  filter.node = parameters.text("node");
  filter.series = parameters.series(kSeriesPerQuestionMax);
  std::tie(filter.from, filter.to) = parameters.range();
  const std::size_t limit = parameters.limit(kPageDefault, kPageMax);
  const TimeFormat times = parameters.times();
  const std::int64_t after = row_after(parameters, kGapCursor);
  if (refuse_bad(parameters, *call.responder)) return;
  services.view.list_gaps(
      std::move(filter), after, limit,
      [times, responder = std::move(call.responder)](rt::Result<GapPage> page) {
        if (!page) return responder->respond(error_response(page.error()));
        const bool more = page->more && !page->gaps.empty();
        responder->respond(json_response(page_json(join_json(page->gaps, times), kGapCursor, more,
                                                   more ? page->gaps.back().id : 0)));
      });
}

void list_commands(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const std::size_t limit = parameters.limit(kPageDefault, kPageMax);
  const TimeFormat times = parameters.times();
  const std::int64_t after = row_after(parameters, kCommandCursor);
  if (refuse_bad(parameters, *call.responder)) return;
  services.view.list_commands(
      call.path[0], static_cast<std::uint64_t>(after), limit,
      [times, responder = std::move(call.responder)](rt::Result<CommandPage> page) {
        if (!page) return responder->respond(error_response(page.error()));
        const bool more = page->more && !page->commands.empty();
        const auto last = more ? static_cast<std::int64_t>(page->commands.back().id) : 0;
        responder->respond(
            json_response(page_json(join_json(page->commands, times), kCommandCursor, more, last)));
      });
}

void show_command(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const TimeFormat times = parameters.times();
  if (refuse_bad(parameters, *call.responder)) return;
  const std::string& text = call.path[1];
  std::uint64_t id = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (failed != std::errc() || end != text.data() + text.size() || id == 0) {
    return call.responder->respond(rt::problem_response(404, "no such command"));
  }
  services.view.list_commands(
      call.path[0], id - 1, 1,
      [times, id, responder = std::move(call.responder)](rt::Result<CommandPage> page) {
        if (!page) return responder->respond(error_response(page.error()));
        const bool found = !page->commands.empty() && page->commands.front().id == id;
        responder->respond(found ? json_response(to_json(page->commands.front(), times))
                                 : rt::problem_response(404, "no such command"));
      });
}

void send_command(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const TimeFormat times = parameters.times();
  if (refuse_bad(parameters, *call.responder)) return;
  const std::string text =
      rt::nests_too_deep(call.request.body) ? "" : std::move(call.request.body);
  const auto body = nlohmann::json::parse(text, nullptr, false);
  const bool right = body.is_object() && body.contains("verb") && body["verb"].is_string() &&
                     (!body.contains("arguments") || body["arguments"].is_object());
  if (!right) {
    return call.responder->respond(rt::problem_response(
        400, R"(expected a JSON object such as {"verb": "ping", "arguments": {}} as the body)"));
  }
  const std::string arguments = body.contains("arguments") ? body["arguments"].dump() : "{}";
  if (arguments.size() > wire::kCommandArgumentsBytesMax) {
    return call.responder->respond(rt::problem_response(
        400,
        fmt::format("expected arguments of at most {} bytes", wire::kCommandArgumentsBytesMax)));
  }
  services.view.send_command(
      call.path[0], body["verb"].get<std::string>(), arguments,
      [times, responder = std::move(call.responder)](rt::Result<CommandView> command) {
        responder->respond(command ? json_response(to_json(*command, times), 202)
                                   : error_response(command.error()));
      });
}

void release_node(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  services.view.release_node(call.path[0],
                             [responder = std::move(call.responder)](const rt::Status& released) {
                               responder->respond(released ? rt::HttpResponse{.status = 204}
                                                           : error_response(released.error()));
                             });
}

}  // namespace

void add_node_routes(Router& router, Services& services) {
  router.add("GET", "/api/v1/nodes",
             [&services](Call call) { list_nodes(services, std::move(call)); });
  router.add("GET", "/api/v1/nodes/{id}",
             [&services](Call call) { show_node(services, std::move(call)); });
  router.add("GET", "/api/v1/nodes/{id}/config",
             [&services](Call call) { show_config(services, std::move(call)); });
  router.add("GET", "/api/v1/nodes/{id}/commands",
             [&services](Call call) { list_commands(services, std::move(call)); });
  router.add("POST", "/api/v1/nodes/{id}/commands",
             [&services](Call call) { send_command(services, std::move(call)); });
  router.add("GET", "/api/v1/nodes/{id}/commands/{command}",
             [&services](Call call) { show_command(services, std::move(call)); });
  router.add("POST", "/api/v1/nodes/{id}/release",
             [&services](Call call) { release_node(services, std::move(call)); });
  router.add("GET", "/api/v1/gaps",
             [&services](Call call) { list_gaps(services, std::move(call)); });
}

}  // namespace fieldpost::coordinator
