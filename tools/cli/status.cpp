#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/cli/node_words.h"
#include "tools/cli/text_table.h"
#include "tools/cli/verbs.h"
#include "tools/cli/words.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;
using Align = TextTable::Align;

struct Overview {
  bool ready = false;
  std::string not_ready;
  std::vector<Json> nodes;
  std::vector<Json> gaps;
  std::vector<std::string> attention;
};

rt::Result<Overview> load_overview(Context& context, const StatusOptions& options) {
  Overview overview;
  auto ready = context.fetcher.fetch({.method = "GET", .path = "/readyz"});
  if (!ready) return ready.error();
  overview.ready = ready->status == 200;
  if (!overview.ready) {
    const Json document = Json::parse(ready->body, nullptr, false);
    overview.not_ready = document.is_object() ? document.value("detail", "") : "no reason is told";
    overview.attention.push_back("the coordinator is not ready: " + overview.not_ready);
  }
  const auto keep = [](std::vector<Json>& list) {
    return [&list](const Json& item) {
      list.push_back(item);
      return true;
    };
  };
  auto walked = for_each_item(context, "/api/v1/nodes", keep(overview.nodes));
  if (walked && options.gaps) walked = for_each_item(context, "/api/v1/gaps", keep(overview.gaps));
  if (!walked) return walked.error();
  const std::int64_t now = context.clock.now().ns;
  for (const Json& node : overview.nodes) {
    for (std::string& trouble : troubles_of(node, now)) {
      overview.attention.push_back(std::move(trouble));
    }
  }
  return overview;
}

std::string sum_words(const Overview& overview) {
  std::uint64_t accepted = 0;
  std::uint64_t delivered = 0;
  std::uint64_t unexplained = 0;
  std::size_t online = 0;
  std::size_t agents = 0;
  for (const Json& node : overview.nodes) {
    accepted += node.at("accepted").get<std::uint64_t>();
    delivered += node.at("delivered").get<std::uint64_t>();
    unexplained += node.at("unexplained").get<std::uint64_t>();
    if (node.at("online").get<bool>()) ++online;
    if (has_agent(node)) ++agents;
  }
  return fmt::format("{} of {} delivered, {} unexplained; {} of {} nodes online\n",
                     count_words(delivered), count_words(accepted), count_words(unexplained),
                     online, agents);
}

/// Of what was deleted: who did it, or which rule.
std::string cause_words(const Json& gap) {
  const auto by = gap.find("by");
  return value_words(by != gap.end() && by->is_string() ? *by : gap.at("cause"));
}

std::string gaps_text(const std::vector<Json>& gaps) {
  TextTable table({{"GAP", Align::kRight},
                   {"NODE", {}},
                   {"FROM", {}},
                   {"TO", {}},
                   {"READINGS", Align::kRight},
                   {"CAUSE", {}},
                   {"STATE", {}}});
  for (const Json& gap : gaps) {
    const Json& readings = gap.at("readings");
    table.add({gap.at("id").dump(), value_words(gap.at("node")), time_words(gap.at("from")),
               time_words(gap.at("to")),
               readings.is_null() ? "unknown" : count_words(readings.get<std::uint64_t>()),
               cause_words(gap), value_words(gap.at("state"))});
  }
  return "\n" + table.text();
}

std::string overview_text(const Context& context, const Overview& overview,
                          const StatusOptions& options) {
  std::string out;
  for (const std::string& line : overview.attention) out += "! " + line + "\n";
  if (!overview.attention.empty()) out += "\n";
  out += sum_words(overview);
  if (!overview.nodes.empty()) out += "\n" + nodes_text(overview.nodes, context.clock.now().ns);
  if (options.gaps) out += overview.gaps.empty() ? "\nno gaps\n" : gaps_text(overview.gaps);
  return out;
}

}  // namespace

int run_status(Context& context, const StatusOptions& options) {
  const auto overview = load_overview(context, options);
  if (!overview) return context.fail(overview.error());
  if (!context.json) {
    context.print(overview_text(context, *overview, options));
    return kExitDone;
  }
  Json document = {{"url", context.fetcher.url()},
                   {"ready", overview->ready},
                   {"attention", overview->attention},
                   {"nodes", overview->nodes}};
  if (options.gaps) document["gaps"] = overview->gaps;
  context.print(document.dump(2) + "\n");
  return kExitDone;
}

}  // namespace fieldpost::cli
