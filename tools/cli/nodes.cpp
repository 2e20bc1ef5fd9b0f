#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/cli/node_words.h"
#include "tools/cli/verbs.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;

int list_nodes(Context& context) {
  std::vector<Json> nodes;
  const auto walked = for_each_item(context, "/api/v1/nodes", [&](const Json& node) {
    nodes.push_back(node);
    return true;
  });
  if (!walked) return context.fail(walked.error());
  if (context.json) {
    context.print(Json({{"items", nodes}, {"next_cursor", nullptr}}).dump(2) + "\n");
  } else if (nodes.empty()) {
    context.print("no node has been heard of yet\n");
  } else {
    context.print(nodes_text(nodes, context.clock.now().ns));
  }
  return kExitDone;
}

/// How often it was told to measure; empty: it never was.
std::string told_words(const Json& node) {
  if (!node.contains("sampling") || node.at("sampling").is_null()) return {};
  const Json& told = node.at("sampling");
  const std::string every =
      told.at("every_s").is_null() ? "nobody knows how often" : sampling_words(told.at("every_s"));
  const auto detail = told.at("detail").get<std::string>();
  return fmt::format("measures {}: {}{}\n", every, value_words(told.at("state")),
                     detail.empty() ? "" : " (" + detail + ")");
}

int show_node(Context& context, const std::string& id) {
  const auto node = fetch_json(context, "/api/v1/nodes/" + encode_query(id));
  if (!node) return context.fail(node.error());
  if (context.json) {
    context.print(node->dump(2) + "\n");
    return kExitDone;
  }
  const std::int64_t now = context.clock.now().ns;
  for (const std::string& trouble : troubles_of(*node, now)) context.print("! " + trouble + "\n");
  context.print(nodes_text({*node}, now) + told_words(*node));
  return kExitDone;
}

int send_command(Context& context, const NodesOptions& options) {
  Json body = {{"verb", options.command}};
  if (!options.arguments.empty()) {
    body["arguments"] = Json::parse(options.arguments, nullptr, false);
    if (!body["arguments"].is_object()) {
      return context.fail({rt::Errc::kInvalid, "--arguments: expected a JSON object"});
    }
  }
  const auto sent = fetch_good(context.fetcher,
                               {.method = "POST",
                                .path = "/api/v1/nodes/" + encode_query(options.id) + "/commands",
                                .headers = {{"Content-Type", "application/json"}},
                                .body = body.dump()});
  if (!sent) return context.fail(sent.error());
  const Json command = Json::parse(sent->body, nullptr, false);
  if (context.json || !command.is_object()) {
    context.print(sent->body);
  } else {
    context.print(fmt::format("command {} ({}) is on its way to {}\n", command.at("id").dump(),
                              options.command, options.id));
  }
  return kExitDone;
}

}  // namespace

int run_release(Context& context, const std::string& node) {
  const auto released =
      fetch_good(context.fetcher,
                 {.method = "POST", .path = "/api/v1/nodes/" + encode_query(node) + "/release"});
  if (!released) return context.fail(released.error());
  if (context.json) {
    context.print(Json({{"released", node}}).dump(2) + "\n");
  } else {
    context.print(fmt::format("{} is released: the machine that is left is taken as new\n", node));
  }
  return kExitDone;
}

int run_nodes(Context& context, const NodesOptions& options) {
  if (!options.command.empty() && options.id.empty()) {
    return context.fail({rt::Errc::kInvalid, "--command needs the node to which it goes"});
  }
  if (!options.command.empty()) return send_command(context, options);
  return options.id.empty() ? list_nodes(context) : show_node(context, options.id);
}

}  // namespace fieldpost::cli
