#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <nlohmann/json.hpp>

#include "proto/wire/line_protocol.h"
#include "proto/wire/rfc3339.h"
#include "tools/cli/sse_reader.h"
#include "tools/cli/verbs.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kSeriesMax = 1000;  // of one stream, as the coordinator has it
constexpr std::int64_t kRetryLeastMs = 1000;
constexpr std::int64_t kRetryMostMs = 30'000;

wire::ValueType type_of(const std::string& name) {
  for (const auto type : {wire::ValueType::kI64, wire::ValueType::kU64, wire::ValueType::kBool,
                          wire::ValueType::kString}) {
    if (wire::to_string(type) == name) return type;
  }
  return wire::ValueType::kF64;
}

std::uint64_t bits_of(const Json& value, wire::ValueType type) {
  switch (type) {
    case wire::ValueType::kF64: return std::bit_cast<std::uint64_t>(value.get<double>());
    case wire::ValueType::kI64: return static_cast<std::uint64_t>(value.get<std::int64_t>());
    case wire::ValueType::kU64: return value.get<std::uint64_t>();
    case wire::ValueType::kBool: return value.get<bool>() ? 1 : 0;
    case wire::ValueType::kString: return 0;
  }
  return 0;
}

std::string line_of(const Json& series, const Json& reading) {
  wire::SeriesKey key;
  key.measurement = series.at("measurement").get<std::string>();
  for (const auto& [name, value] : series.at("tags").items()) {
    key.tags.emplace_back(name, value.get<std::string>());
  }
  key.field = series.at("field").get<std::string>();
  key.type = type_of(series.at("type").get<std::string>());
  const Json& value = reading.at("value");
  if (value.is_null()) return {};  // what line protocol cannot say either
  const auto time = wire::parse_rfc3339(reading.at("time").get<std::string>());
  return wire::format_line(key, time ? time->ns : 0, bits_of(value, key.type),
                           value.is_string() ? value.get<std::string>() : std::string());
}

/// Prints events until it has printed enough, or nobody reads.
class Tail {
 public:
  Tail(Context& context, const TailOptions& options, const std::vector<Json>& series)
      : context_(context), options_(options) {
    for (const Json& one : series) series_[one.at("id").get<std::int64_t>()] = one;
  }

  bool take(std::string_view event, std::string_view data) {
    const Json document = Json::parse(data, nullptr, false);
    if (!document.is_object()) return true;
    const std::string text = text_of(event, document);
    if (text.empty()) return true;
    ++printed_;
    if (!context_.print(text)) enough_ = true;
    if (options_.count > 0 && printed_ >= options_.count) enough_ = true;
    return !enough_;
  }

  [[nodiscard]] bool enough() const { return enough_; }
  [[nodiscard]] std::uint64_t printed() const { return printed_; }

 private:
  std::string text_of(std::string_view event, const Json& document) const {
    if (context_.json) {
      Json out = {{"event", std::string(event)}};
      out.update(document);
      return out.dump() + "\n";
    }
    if (event == "gap" && !options_.lines) {
      return fmt::format("! gap {} of {}: {}\n", document.at("id").dump(),
                         value_words(document.at("node")), value_words(document.at("cause")));
    }
    const auto found = event == "reading" ? series_.find(document.at("series").get<std::int64_t>())
                                          : series_.end();
    if (found == series_.end()) return {};
    const Json& series = found->second;
    if (options_.lines) {
      std::string line = line_of(series, document);
      while (line.ends_with('\n')) line.pop_back();
      return line.empty() ? line : line + "\n";
    }
    const Json& unit = series.at("unit");
    return fmt::format("{}  {}  {} = {}{}\n", value_words(document.at("time")),
                       value_words(series.at("node")), series_words(series),
                       value_words(document.at("value")),
                       unit.is_null() ? "" : " " + value_words(unit));
  }

  Context& context_;
  const TailOptions& options_;
  std::map<std::int64_t, Json> series_;
  std::uint64_t printed_ = 0;
  bool enough_ = false;
};

/// Connects again for as long as the coordinator was there at the first time.
int follow(Context& context, const std::string& path, Tail& tail) {
  std::int64_t retry = kRetryLeastMs;
  bool first = true;
  while (!tail.enough()) {
    const std::uint64_t before = tail.printed();
    SseReader reader(
        [&](std::string_view event, std::string_view data) { return tail.take(event, data); });
    const auto ended = fetch_good(
        context.fetcher, {.path = path + (first ? "&last=true" : ""),
                          .on_data = [&](std::string_view bytes) { return reader.feed(bytes); }});
    if (tail.enough()) break;
    const bool hopeless = !ended && ended.error().code != rt::Errc::kUnavailable &&
                          ended.error().code != rt::Errc::kBusy;
    if (hopeless || (!ended && first && tail.printed() == 0)) return context.fail(ended.error());
    first = false;
    if (tail.printed() > before) retry = kRetryLeastMs;
    fmt::print(context.err, "fieldpost: the stream ended; again in {} s\n", retry / 1000);
    context.pause(retry);
    retry = std::min(retry * 2, kRetryMostMs);
  }
  return kExitDone;
}

}  // namespace

int run_tail(Context& context, const TailOptions& options) {
  const auto series = find_series(context, options.choice);
  if (!series) return context.fail(series.error());
  if (series->empty()) {
    return context.fail(
        {rt::Errc::kNotFound, "no series matches: \"fieldpost series\" lists them"});
  }
  if (series->size() > kSeriesMax) {
    return context.fail(
        {rt::Errc::kInvalid,
         fmt::format("{} series match, at most {} can be followed: choose with --node, "
                     "--measurement, --field or --tag",
                     series->size(), kSeriesMax)});
  }
  std::string path = "/api/v1/live?series=";
  for (const Json& one : *series) path += (path.ends_with('=') ? "" : ",") + one.at("id").dump();
  Tail tail(context, options, *series);
  return follow(context, path, tail);
}

}  // namespace fieldpost::cli
