#include "agent/sampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "proto/wire/limits.h"

namespace fieldpost::agent {

using nlohmann::json;
using rt::ok;
using rt::Status;

namespace {

constexpr const char* kFact = "sampling";
constexpr std::size_t kNamesTold = 8;  ///< of an answer; the rest is a number
constexpr const char* kExpected =
    R"(expected {"every_s": {"mem": 1}}: at most 128 measurements, and seconds above 0, at most )"
    "86400";
static_assert(wire::kSamplingHintsMax == 128);

std::optional<rt::Nanos> interval_of(const json& seconds) {
  if (!seconds.is_number()) return std::nullopt;
  const auto interval = std::chrono::duration<double>(seconds.get<double>());
  if (!(interval.count() > 0) || interval > SamplingHints::kMost) return std::nullopt;
  return std::max<rt::Nanos>(SamplingHints::kLeast,
                             std::chrono::duration_cast<rt::Nanos>(interval));
}

/// What is kept of a command: {"id": 7, "every_s": {…}}.
struct Kept {
  std::uint64_t id = 0;
  SamplingHints hints;
};

std::optional<Kept> parse_kept(const std::string& text) {
  const json document = json::parse(text, nullptr, false);
  const auto hints = parse_sampling(text);
  if (!hints || !document.contains("id") || !document["id"].is_number_unsigned()) {
    return std::nullopt;
  }
  return Kept{document["id"].get<std::uint64_t>(), *hints};
}

/// Unless a later command was kept: answers that the disk refused are written again, in any order.
Status keep(Spool& spool, std::uint64_t id, const std::string& text) {
  const auto before = spool.fact(kFact);
  if (!before) return before.error();
  const auto kept = parse_kept(*before);
  return kept && kept->id > id ? ok() : spool.set_fact(kFact, text);
}

}  // namespace

std::optional<SamplingHints> parse_sampling(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object() || !document.contains("every_s")) return std::nullopt;
  const json& every = document["every_s"];
  if (!every.is_object() || every.size() > wire::kSamplingHintsMax) return std::nullopt;
  SamplingHints hints;
  for (const auto& [measurement, seconds] : every.items()) {
    const auto interval = interval_of(seconds);
    if (!interval || measurement.size() > wire::kSamplingNameBytesMax) return std::nullopt;
    hints.every[measurement] = *interval;
  }
  return hints;
}

void Sampling::recover() {
  auto text = std::make_shared<std::string>();
  front_.with_spool(
      [text](Spool& spool) -> Status {
        auto fact = spool.fact(kFact);
        if (!fact) return fact.error();
        *text = *std::move(fact);
        return ok();
      },
      [this, text](const Status& status) {
        if (!status) log_.error("reading how often to sample: {}", status.error().message);
        const auto kept = parse_kept(*text);
        if (!kept) return;
        obeyed_ = kept->id;
        tell(kept->hints);
      });
}

Inbox::Answer Sampling::obey(const wire::Command& command) {
  const auto hints = parse_sampling(command.arguments);
  if (!hints) return {false, kExpected};
  if (command.id < obeyed_) {
    return {false, fmt::format("command {}, which is later, holds", obeyed_)};
  }
  obeyed_ = command.id;
  tell(*hints);
  const json kept = {{"id", command.id}, {"every_s", json::parse(command.arguments)["every_s"]}};
  return {true, describe(*hints),
          [id = command.id, text = kept.dump(-1, ' ', false, json::error_handler_t::replace)](
              Spool& spool) { return keep(spool, id, text); }};
}

void Sampling::tell(const SamplingHints& hints) {
  for (const auto& source : sources_) source->set_sampling(hints);
}

/// Which hints nobody here obeys; empty: none.
std::string Sampling::describe(const SamplingHints& hints) const {
  std::string names;
  std::size_t count = 0;
  for (const auto& [measurement, every] : hints.every) {
    const bool obeyed = std::ranges::any_of(
        sources_, [&](const auto& source) { return source->obeys_hint_for(measurement); });
    if (obeyed || ++count > kNamesTold) continue;
    names += (names.empty() ? "" : ", ") + measurement;
  }
  if (count == 0) return {};
  if (count > kNamesTold) names += fmt::format(" and {} more", count - kNamesTold);
  return fmt::format("{}: no source here samples {} by itself", names, count == 1 ? "it" : "them");
}

}  // namespace fieldpost::agent
