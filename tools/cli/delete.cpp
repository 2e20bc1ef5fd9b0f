#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/verbs.h"
#include "tools/cli/words.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Parameter {
  const char* name;
  const std::optional<std::string>& value;
};

std::vector<Parameter> parameters_of(const DeleteOptions& options) {
  return {{"node", options.node},
          {"measurement", options.measurement},
          {"from", options.from},
          {"to", options.to},
          {"reason", options.reason}};
}

/// An unset variable of a shell must not widen what goes.
rt::Status refuse_empty(const DeleteOptions& options) {
  for (const auto& [name, value] : parameters_of(options)) {
    if (!value || !value->empty()) continue;
    return rt::Error{rt::Errc::kInvalid,
                     fmt::format("--{} is empty; leave it out to mean any", name)};
  }
  return rt::ok();
}

std::string path_of(const DeleteOptions& options, bool dry) {
  std::string path = fmt::format("/api/v1/readings?dry={}", dry);
  for (const auto& [name, value] : parameters_of(options)) {
    const bool is_asked = std::string_view(name) != "reason" || !dry;
    if (value && is_asked) path += fmt::format("&{}={}", name, encode_query(*value));
  }
  return path;
}

rt::Result<Json> ask(Context& context, const DeleteOptions& options, bool dry) {
  const std::string path = path_of(options, dry);
  const auto answer = fetch_good(context.fetcher, {.method = "DELETE", .path = path});
  if (!answer) return answer.error();
  Json document = Json::parse(answer->body, nullptr, false);
  if (document.is_object() && document.contains("dry")) return document;
  return rt::Error{rt::Errc::kIo, "the answer to " + path + " is not understood"};
}

std::string total_words(const Json& total) {
  return fmt::format("{} readings of {} series, about {} in the store",
                     count_words(total.at("readings").get<std::uint64_t>()),
                     count_words(total.at("series").get<std::uint64_t>()),
                     bytes_words(total.at("bytes").get<std::uint64_t>()));
}

}  // namespace

int run_delete(Context& context, const DeleteOptions& options) {
  if (auto right = refuse_empty(options); !right) return context.fail(right.error());
  const auto total = ask(context, options, true);
  if (!total) return context.fail(total.error());
  if (!options.really) {
    context.print(context.json ? total->dump(2) + "\n"
                               : "would delete " + total_words(*total) +
                                     "; nothing is deleted yet: --really does it\n");
    return kExitDone;
  }
  const auto done = ask(context, options, false);
  if (!done) return context.fail(done.error());
  if (context.json) {
    Json document = *done;
    document["readings"] = total->at("readings");
    document["bytes"] = total->at("bytes");
    context.print(document.dump(2) + "\n");
    return kExitDone;
  }
  std::string text = "deleted " + total_words(*total) + "\n";
  for (const Json& deletion : done->at("deletions")) {
    text += fmt::format("node {}: shown as gap {}\n", deletion.at("node").get<std::string>(),
                        deletion.at("gap").dump());
  }
  context.print(text);
  return kExitDone;
}

}  // namespace fieldpost::cli
