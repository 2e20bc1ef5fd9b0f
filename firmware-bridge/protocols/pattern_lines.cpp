#include "firmware-bridge/protocols/pattern_lines.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <array>

#include "proto/mapping/plain_value.h"
#include "proto/wire/names.h"

namespace fieldpost::bridge {
namespace {

using mapping::DeviceValue;
using rt::Errc;
using rt::Error;
using rt::Result;

constexpr std::int64_t kPatternMemoryBytes = 1 << 20;

Error bad_pattern(std::string_view pattern, std::string_view why) {
  return {Errc::kInvalid, fmt::format("pattern {}: {}", wire::quoted(pattern), why)};
}

DeviceValue value_of(std::string_view text) {
  const auto number = mapping::parse_plain_number(text);
  return number ? DeviceValue::of(*number) : DeviceValue::of(std::string(text));
}

}  // namespace

PatternLines::PatternLines(std::unique_ptr<re2::RE2> pattern) : pattern_(std::move(pattern)) {
  for (const auto& [number, name] : pattern_->CapturingGroupNames()) {
    fields_.emplace_back(static_cast<std::size_t>(number), name);
  }
}

PatternLines::~PatternLines() = default;

Result<std::unique_ptr<PatternLines>> PatternLines::make(const std::string& pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemoryBytes);
  auto compiled = std::make_unique<re2::RE2>(pattern, options);
  if (!compiled->ok()) return bad_pattern(pattern, compiled->error());
  if (compiled->NumberOfCapturingGroups() > kPatternGroupsMax) {
    return bad_pattern(pattern, fmt::format("it has more than {} groups", kPatternGroupsMax));
  }
  if (compiled->CapturingGroupNames().empty()) {
    return bad_pattern(pattern, "it has no named group such as (?P<temperature>[0-9.]+)");
  }
  return std::unique_ptr<PatternLines>(new PatternLines(std::move(compiled)));
}

Result<bool> PatternLines::take(std::string_view line, std::int64_t, LineFound& found) {
  if (!is_plain_text(line)) return Error{Errc::kInvalid, "pattern: a line that is no text"};
  std::array<re2::StringPiece, kPatternGroupsMax + 1> groups;  // the first is the whole line
  const int count = pattern_->NumberOfCapturingGroups() + 1;
  const re2::StringPiece text(line.data(), line.size());
  if (!pattern_->Match(text, 0, text.size(), re2::RE2::ANCHOR_BOTH, groups.data(), count)) {
    return Error{Errc::kInvalid, "pattern: it does not fit " + wire::quoted(line)};
  }
  for (const auto& [number, field] : fields_) {
    const re2::StringPiece& group = groups[number];
    if (group.empty()) continue;
    Measured reading;
    reading.key.field = field;
    reading.value = value_of({group.data(), group.size()});
    found.readings.push_back(std::move(reading));
  }
  return true;
}

}  // namespace fieldpost::bridge
