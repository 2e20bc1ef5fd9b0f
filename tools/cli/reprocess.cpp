#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/mapping/mapper.h"
#include "tools/cli/progress.h"
#include "tools/cli/verbs.h"
#include "tools/cli/words.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;
using rt::Errc;
using rt::Error;

constexpr std::int64_t kAskAgainMs = 200;

int reprocess_quarantined(Context& context, const ReprocessOptions& options) {
  Json body = Json::object();
  if (!options.node.empty()) body["node"] = options.node;
  if (options.give_up) body["give_up"] = true;
  const auto outcome = send_json(context, "POST", "/api/v1/reprocess", body);
  if (!outcome) return context.fail(outcome.error());
  if (context.json) {
    context.print(outcome->dump(2) + "\n");
  } else {
    context.print(fmt::format("{} records stored, {} given up, {} still not understood\n",
                              value_words(outcome->at("stored")),
                              value_words(outcome->at("given_up")),
                              value_words(outcome->at("left"))));
  }
  return kExitDone;
}

Json replay_body(const ReprocessOptions& options, Json rules) {
  Json body = {{"node", options.node}, {"rules", std::move(rules)}, {"dry", !options.really}};
  if (!options.source.empty()) body["source"] = options.source;
  if (!options.from.empty()) body["from"] = options.from;
  if (!options.to.empty()) body["to"] = options.to;
  return body;
}

bool is_over(const Json& replay) {
  const auto& state = replay.at("state");
  return state != "reading" && state != "replacing";
}

/// Follows it to its end.
rt::Result<Json> await(Context& context, Json replay) {
  const std::string path = "/api/v1/reprocess/" + replay.at("id").dump();
  Progress progress(context, "messages");
  while (!is_over(replay)) {
    const auto done = replay.at("messages").get<std::uint64_t>();
    const auto total = replay.at("messages_total").get<std::uint64_t>();
    std::optional<double> part;
    if (total > 0) part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    progress.show(done, part);
    context.pause(kAskAgainMs);
    auto next = send_json(context, "GET", path, nullptr);
    if (!next) return next;
    replay = *std::move(next);
  }
  return replay;
}

std::string outcome_words(const Json& replay) {
  const auto count = [&](const char* name) {
    return count_words(replay.at(name).get<std::uint64_t>());
  };
  const std::string source = replay.at("source").get<std::string>();
  std::string text;
  if (replay.at("dry").get<bool>()) {
    text = fmt::format(
        "{}: {} messages make {} readings; they made {} before. Nothing is changed "
        "yet: --really does it\n",
        source, count("messages"), count("readings"), count("old_readings"));
  } else {
    text = fmt::format("{}: {} messages made {} readings, which replace {}\n", source,
                       count("messages"), count("added"), count("removed"));
  }
  if (replay.at("unmapped") != 0) {
    text += fmt::format("{} messages or lines make no reading; the first: {}\n", count("unmapped"),
                        replay.at("first_error").get<std::string>());
  }
  return text;
}

int replay(Context& context, const ReprocessOptions& options, Json rules) {
  const auto begun =
      send_json(context, "POST", "/api/v1/reprocess", replay_body(options, std::move(rules)));
  if (!begun) return context.fail(begun.error());
  if (!begun->contains("state"))
    return context.fail({Errc::kIo, "the answer to /api/v1/reprocess is not understood"});
  const auto over = await(context, *begun);
  if (!over) return context.fail(over.error());
  if (over->at("state") != "done") {
    const std::string why = over->at("error").get<std::string>();
    return context.fail(
        {Errc::kIo, why.empty() ? "the replay was cancelled; nothing is changed" : why});
  }
  context.print(context.json ? over->dump(2) + "\n" : outcome_words(*over));
  return kExitDone;
}

/// The readings of one message as lines; false when nobody reads any more.
bool print_lines(const Context& context, const wire::ParsedLines& lines) {
  for (std::size_t c = 0; c < lines.columns.size(); ++c) {
    const auto key = wire::SeriesKey::parse(lines.keys[c]);
    if (!key) continue;
    const wire::Column& column = lines.columns[c];
    for (std::size_t i = 0; i < column.count(); ++i) {
      const bool is_text = key->type == wire::ValueType::kString;
      const std::string text = is_text ? column.strings[column.values[i]] : "";
      if (!context.print(wire::format_line(*key, column.times[i], column.values[i], text) + "\n")) {
        return false;
      }
    }
  }
  return true;
}

std::string readings_path(const ReprocessOptions& options, const Json& series) {
  std::string path = "/api/v1/readings?times=ns&series=" + series.at("id").dump();
  if (!options.from.empty()) path += "&from=" + encode_query(options.from);
  if (!options.to.empty()) path += "&to=" + encode_query(options.to);
  return path;
}

/// Maps one message here, as the coordinator would. False stops.
bool take_message(const Context& context, mapping::Mapper& mapper, const Json& pair) {
  const auto message = mapping::decode_raw(pair.at(1).get<std::string>());
  if (!message) {
    fmt::print(context.err, "fieldpost: {}\n", message.error().message);
    return true;
  }
  const auto time = pair.at(0).get<std::int64_t>();
  const auto mapped = mapper.map(message->view(), rt::UnixTime{time}, rt::Instant{rt::Nanos{time}});
  if (!mapped.status) {
    fmt::print(context.err, "fieldpost: {}: {}\n", message->topic, mapped.status.error().message);
  }
  for (const wire::LineError& error : mapped.lines.errors) {
    fmt::print(context.err, "fieldpost: line {} of a block: {}\n", error.line, error.what);
  }
  return print_lines(context, mapped.lines);
}

rt::Result<std::vector<Json>> raw_series(Context& context, const ReprocessOptions& options) {
  SeriesChoice choice;
  choice.node = options.node;
  choice.measurement = mapping::kRawMeasurement;
  choice.field = mapping::kRawField;
  if (!options.source.empty()) {
    choice.tags.push_back(fmt::format("{}={}", mapping::kSourceTag, options.source));
  }
  auto series = find_series(context, choice);
  if (!series) return series;
  if (series->empty()) {
    return Error{Errc::kNotFound, fmt::format("node {} has no raw messages{}", options.node,
                                              options.source.empty() ? "" : " of this source")};
  }
  const auto source_of = [](const Json& each) { return each.at("tags").value("source", ""); };
  for (const Json& each : *series) {
    if (source_of(each) == source_of(series->front())) continue;
    return Error{Errc::kInvalid,
                 fmt::format("node {} has raw messages of several sources, such as \"{}\" and "
                             "\"{}\": name one with --source",
                             options.node, source_of(series->front()), source_of(each))};
  }
  return series;
}

int show_lines(Context& context, const ReprocessOptions& options, const Json& rules) {
  auto parsed = mapping::parse_rules(rules.dump());
  if (!parsed) return context.fail(parsed.error());
  auto mapper = mapping::Mapper::make(*std::move(parsed));
  if (!mapper) return context.fail(mapper.error());
  const auto series = raw_series(context, options);
  if (!series) return context.fail(series.error());
  Progress progress(context, "messages");
  std::uint64_t messages = 0;
  for (const Json& each : *series) {
    const auto walked = for_each_item(context, readings_path(options, each), [&](const Json& item) {
      for (const Json& pair : item.at("readings")) {
        if (!take_message(context, *mapper, pair)) return false;
        if (!context.out_terminal) progress.show(++messages, std::nullopt);
      }
      return true;
    });
    if (!walked) return context.fail(walked.error());
  }
  return kExitDone;
}

}  // namespace

int run_reprocess(Context& context, const ReprocessOptions& options) {
  if (options.quarantined) return reprocess_quarantined(context, options);
  if (options.node.empty() || options.rules.empty()) {
    return context.fail({Errc::kInvalid, "--node and --rules are needed (or --quarantined)"});
  }
  if (options.rules.size() > mapping::kRulesBytesMax) {
    return context.fail({Errc::kInvalid, fmt::format("the rules have more than {} bytes",
                                                     mapping::kRulesBytesMax)});
  }
  Json rules = Json::parse(options.rules, nullptr, false);
  if (!rules.is_object()) return context.fail({Errc::kInvalid, "the rules are not a JSON object"});
  if (options.lines) return show_lines(context, options, rules);
  return replay(context, options, std::move(rules));
}

}  // namespace fieldpost::cli
