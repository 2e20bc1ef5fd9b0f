#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

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
constexpr std::int64_t kLookEveryMs = 3000;
constexpr std::int64_t kNanosPerMs = 1'000'000;

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

/// The series that are followed, and what is printed of them.
class Tail {
 public:
  Tail(Context& context, const TailOptions& options) : context_(context), options_(options) {}

  /// Asks which series match; whether there are more of them than before.
  rt::Result<bool> look() {
    looked_ns_ = context_.clock.now().ns;
    const auto found = find_series(context_, options_.choice);
    if (!found) return found.error();
    const std::size_t before = series_.size();
    for (const Json& one : *found) {
      nodes_.insert(one.at("node").get<std::string>());
      if (series_.size() < kSeriesMax) series_.try_emplace(one.at("id").get<std::int64_t>(), one);
    }
    warn_of_bound(found->size());
    return series_.size() > before;
  }

  /// Called every now and then while a stream is read: whether there are more series to follow. A
  /// coordinator that cannot tell is asked again later; the stream itself tells when it is away.
  bool has_grown() {
    if (context_.clock.now().ns - looked_ns_ < kLookEveryMs * kNanosPerMs) return false;
    return look().value_or(false);
  }

  [[nodiscard]] std::string path(bool with_last) const {
    std::string ids;
    for (const auto& [id, one] : series_) ids += (ids.empty() ? "" : ",") + std::to_string(id);
    return "/api/v1/live?series=" + ids + (with_last ? "&last=true" : "");
  }

  bool take(std::string_view event, std::string_view data) {
    const Json document = Json::parse(data, nullptr, false);
    if (!document.is_object() || !concerns(event, document)) return true;
    const std::string text = text_of(event, document);
    if (text.empty()) return true;
    if (event == "reading") ++readings_;
    if (!context_.print(text)) enough_ = true;
    if (options_.count > 0 && readings_ >= options_.count) enough_ = true;
    return !enough_;
  }

  [[nodiscard]] bool empty() const { return series_.empty(); }
  [[nodiscard]] bool enough() const { return enough_; }
  [[nodiscard]] std::uint64_t readings() const { return readings_; }

 private:
  void warn_of_bound(std::size_t found) {
    if (found <= kSeriesMax || warned_) return;
    warned_ = true;
    fmt::print(context_.err,
               "fieldpost: {} series match and {} are followed, which is the most there can be: "
               "choose with --node, --measurement, --field or --tag\n",
               found, kSeriesMax);
  }

  [[nodiscard]] bool is_chosen(const std::string& node) const {
    const SeriesChoice& choice = options_.choice;
    const bool all = choice.ids.empty() && choice.node.empty() && choice.measurement.empty() &&
                     choice.field.empty() && choice.tags.empty();
    return all || nodes_.contains(node);
  }

  /// Whether it is about what is followed. A reading that was the newest of its series already is
  /// told again whenever a stream begins.
  bool concerns(std::string_view event, const Json& document) {
    if (event == "gap") return is_chosen(document.value("node", ""));
    if (event == "node") return is_chosen(document.value("id", ""));
    if (event != "reading") return false;
    const auto id = document.at("series").get<std::int64_t>();
    if (!series_.contains(id)) return false;
    std::string text = document.dump();
    const bool is_new = newest_[id] != text;
    newest_[id] = std::move(text);
    return is_new;
  }

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
    if (event != "reading") return {};
    const Json& series = series_.at(document.at("series").get<std::int64_t>());
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
  std::set<std::string> nodes_;                 ///< of all series that match
  std::map<std::int64_t, std::string> newest_;  ///< reading of each series, as it came
  std::int64_t looked_ns_ = 0;
  std::uint64_t readings_ = 0;
  bool warned_ = false;
  bool enough_ = false;
};

/// Comes back when there is a series to follow, or with what keeps it from looking.
rt::Status await_series(Context& context, Tail& tail) {
  bool told = false;
  while (true) {
    const auto found = tail.look();
    if (!found) return found.error();
    if (!tail.empty()) return rt::ok();
    if (!std::exchange(told, true)) {
      fmt::print(context.err, "fieldpost: no series matches yet; waiting for one\n");
    }
    context.pause(kLookEveryMs);
  }
}

/// Connects again for as long as the coordinator was there at the first time.
int follow(Context& context, Tail& tail) {
  std::int64_t retry = kRetryLeastMs;
  bool first = true;
  bool grown = true;
  while (!tail.enough()) {
    const std::uint64_t before = tail.readings();
    SseReader reader(
        [&](std::string_view event, std::string_view data) { return tail.take(event, data); });
    const std::string path = tail.path(std::exchange(grown, false));
    const auto ended = fetch_good(
        context.fetcher, {.path = path,
                          .on_data = [&](std::string_view bytes) { return reader.feed(bytes); },
                          .on_tick = [&] { return !(grown = tail.has_grown()); }});
    if (tail.enough()) break;
    if (grown) continue;
    const bool hopeless = !ended && ended.error().code != rt::Errc::kUnavailable &&
                          ended.error().code != rt::Errc::kBusy;
    if (hopeless || (!ended && first && tail.readings() == 0)) return context.fail(ended.error());
    first = false;
    if (tail.readings() > before) retry = kRetryLeastMs;
    fmt::print(context.err, "fieldpost: the stream ended; again in {} s\n", retry / 1000);
    context.pause(retry);
    retry = std::min(retry * 2, kRetryMostMs);
  }
  return kExitDone;
}

}  // namespace

int run_tail(Context& context, const TailOptions& options) {
  Tail tail(context, options);
  if (const auto found = await_series(context, tail); !found) return context.fail(found.error());
  return follow(context, tail);
}

}  // namespace fieldpost::cli
