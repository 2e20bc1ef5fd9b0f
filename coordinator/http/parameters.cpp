#include "coordinator/http/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "proto/wire/rfc3339.h"

namespace fieldpost::coordinator {
namespace {

constexpr std::string_view kSeriesExpected = "expected ids of series, as /api/v1/series lists them";

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text) {
  if (const auto ns = parse_number<std::int64_t>(text)) return ns;
  const auto time = wire::parse_rfc3339(text);
  if (!time) return std::nullopt;
  return time->ns;
}

const std::string* Parameters::find(std::string_view name) {
  asked_.emplace_back(name);
  const std::string* found = nullptr;
  for (const auto& [key, value] : query_) {
    if (key != name) continue;
    if (found != nullptr) complain(name, "expected it once");
    found = &value;
  }
  return found;
}

void Parameters::complain(std::string_view name, std::string_view expected) {
  if (first_problem_.empty()) first_problem_ = fmt::format("parameter {}: {}", name, expected);
}

bool Parameters::has(std::string_view name) const {
  return std::any_of(query_.begin(), query_.end(),
                     [&](const auto& pair) { return pair.first == name; });
}

std::string Parameters::text(std::string_view name) {
  const std::string* value = find(name);
  return value == nullptr ? std::string() : *value;
}

std::optional<std::int64_t> Parameters::time(std::string_view name) {
  const std::string* value = find(name);
  if (value == nullptr || value->empty()) return std::nullopt;
  const auto time = parse_time(*value);
  if (!time) complain(name, kTimeExpected);
  return time;
}

std::size_t Parameters::count(std::string_view name, std::size_t otherwise, std::size_t most) {
  const std::string* value = find(name);
  if (value == nullptr) return otherwise;
  const auto number = parse_number<std::size_t>(*value);
  if (number && *number >= 1 && *number <= most) return *number;
  complain(name, fmt::format("expected a whole number from 1 to {}", most));
  return otherwise;
}

std::size_t Parameters::limit(std::size_t otherwise, std::size_t most) {
  const std::string* value = find("limit");
  if (value == nullptr) return otherwise;
  const bool digits =
      !value->empty() && value->find_first_not_of("0123456789") == std::string::npos;
  const auto number = parse_number<std::size_t>(*value);
  if (digits && (!number || *number >= 1)) return std::min(number.value_or(most), most);
  complain("limit", fmt::format("expected a whole number from 1 to {}", most));
  return otherwise;
}

bool Parameters::flag(std::string_view name) {
  return choice(name, {"false", "true"}) == 1;
}

std::size_t Parameters::choice(std::string_view name,
                               std::initializer_list<std::string_view> choices) {
  const std::string* value = find(name);
  if (value == nullptr) return 0;
  const auto found = std::find(choices.begin(), choices.end(), *value);
  if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  complain(name, fmt::format("expected {}", fmt::join(choices, " or ")));
  return 0;
}

std::vector<SeriesId> Parameters::series(std::size_t most) {
  asked_.emplace_back("series");
  std::vector<SeriesId> ids;
  for (const auto& [key, value] : query_) {
    if (key != "series") continue;
    std::string_view left = value;
    while (!left.empty()) {
      const std::string_view part = left.substr(0, left.find(','));
      left.remove_prefix(std::min(left.size(), part.size() + 1));
      const auto id = parse_number<SeriesId>(part);
      if (!id || *id < 1) {
        complain("series", kSeriesExpected);
      } else if (std::find(ids.begin(), ids.end(), *id) == ids.end()) {
        ids.push_back(*id);
      }
      if (ids.size() > most) {
        complain("series", fmt::format("expected at most {} ids", most));
        return ids;
      }
    }
  }
  return ids;
}

std::vector<std::pair<std::string, std::string>> Parameters::prefixed(std::string_view prefix) {
  prefixes_.emplace_back(prefix);
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& [key, value] : query_) {
    if (key.starts_with(prefix)) found.emplace_back(key.substr(prefix.size()), value);
  }
  return found;
}

std::pair<std::int64_t, std::int64_t> Parameters::range() {
  const std::int64_t from = time("from").value_or(INT64_MIN);
  const std::int64_t to = time("to").value_or(INT64_MAX);
  if (from > to) complain("to", "expected a time that is not before \"from\"");
  return {from, to};
}

TimeFormat Parameters::times() {
  return choice("times", {"rfc3339", "ns"}) == 1 ? TimeFormat::kNs : TimeFormat::kRfc3339;
}

std::optional<std::string> Parameters::problem() const {
  if (!first_problem_.empty()) return first_problem_;
  for (const auto& [key, value] : query_) {
    const auto begins = [&](const std::string& prefix) { return key.starts_with(prefix); };
    if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
    if (std::any_of(prefixes_.begin(), prefixes_.end(), begins)) continue;
    return fmt::format("parameter {}: not known here; expected {}{}", key, fmt::join(asked_, ", "),
                       prefixes_.empty() ? "" : fmt::format(", {}*", fmt::join(prefixes_, "*, ")));
  }
  return std::nullopt;
}

SeriesFilter filter_of(Parameters& parameters) {
  return {.node = parameters.text("node"),
          .measurement = parameters.text("measurement"),
          .field = parameters.text("field"),
          .tags = parameters.prefixed("tag.")};
}

}  // namespace fieldpost::coordinator
