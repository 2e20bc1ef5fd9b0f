#include "proto/rt/config_value.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace fieldpost::rt {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t size;
};
constexpr std::array kDurationUnits = {Unit{"d", 86'400'000'000'000},
                                       Unit{"h", 3'600'000'000'000},
                                       Unit{"m", 60'000'000'000},
                                       Unit{"s", 1'000'000'000},
                                       Unit{"ms", 1'000'000},
                                       Unit{"us", 1'000},
                                       Unit{"ns", 1}};
constexpr std::array kByteUnits = {Unit{"TiB", 1ll << 40}, Unit{"GiB", 1ll << 30},
                                   Unit{"MiB", 1ll << 20}, Unit{"KiB", 1ll << 10}, Unit{"B", 1}};

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <std::size_t N>
std::optional<std::int64_t> parse_quantity(std::string_view text,
                                           const std::array<Unit, N>& units) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_integer(text.substr(0, digits));
  const auto unit = std::ranges::find(units, text.substr(digits), &Unit::name);
  if (!number || unit == units.end()) return std::nullopt;
  if (*number > std::numeric_limits<std::int64_t>::max() / unit->size) return std::nullopt;
  return *number * unit->size;
}

template <std::size_t N>
std::string format_quantity(std::int64_t value, const std::array<Unit, N>& units,
                            std::string_view zero) {
  if (value == 0) return std::string(zero);
  const auto unit = std::ranges::find_if(units, [&](const Unit& u) { return value % u.size == 0; });
  return fmt::format("{}{}", value / unit->size, unit->name);
}

/// In ns, bytes or plain.
std::optional<std::int64_t> parse_number(ConfigType type, std::string_view text) {
  if (type == ConfigType::kBytes) return parse_bytes(text);
  if (type == ConfigType::kInteger) return parse_integer(text);
  const auto duration = parse_duration(text);
  return duration ? std::optional(duration->count()) : std::nullopt;
}

bool is_within(const ConfigKey& key, std::int64_t number) {
  if (!key.least.empty() && number < parse_number(key.type, key.least).value_or(0)) return false;
  return key.most.empty() || number <= parse_number(key.type, key.most).value_or(0);
}

const std::string* written_text(const RawValue& raw) {
  if (const auto* text = std::get_if<RawText>(&raw)) return &text->text;
  return std::get_if<std::string>(&raw);
}

std::optional<ConfigValue> read_text(const ConfigKey& key, const RawValue& raw) {
  const std::string* text = written_text(raw);
  if (text == nullptr) return std::nullopt;
  if (!key.choices.empty() && std::ranges::find(key.choices, *text) == key.choices.end())
    return std::nullopt;
  if (key.is_valid != nullptr && !key.is_valid(*text)) return std::nullopt;
  return *text;
}

std::optional<ConfigValue> read_flag(const RawValue& raw) {
  if (const auto* flag = std::get_if<bool>(&raw)) return *flag;
  const auto* text = std::get_if<RawText>(&raw);
  if (text == nullptr || (text->text != "true" && text->text != "false")) return std::nullopt;
  return text->text == "true";
}

std::optional<ConfigValue> read_number(const ConfigKey& key, const RawValue& raw) {
  std::optional<std::int64_t> number;
  if (const auto* integer = std::get_if<std::int64_t>(&raw)) {
    if (key.type != ConfigType::kInteger) return std::nullopt;
    number = *integer;
  } else if (const std::string* text = written_text(raw)) {
    if (key.type == ConfigType::kInteger && std::holds_alternative<std::string>(raw))
      return std::nullopt;
    number = parse_number(key.type, *text);
  }
  if (!number || !is_within(key, *number)) return std::nullopt;
  if (key.type == ConfigType::kDuration) return Nanos{*number};
  return *number;
}

ConfigList split_items(std::string_view text) {
  ConfigList items;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    items.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return items;
}

std::optional<ConfigValue> read_list(const ConfigKey& key, const RawValue& raw) {
  ConfigList items;
  if (const auto* list = std::get_if<ConfigList>(&raw))
    items = *list;
  else if (const auto* text = std::get_if<RawText>(&raw))
    items = split_items(text->text);
  else
    return std::nullopt;
  if (key.is_valid != nullptr && !std::ranges::all_of(items, key.is_valid)) return std::nullopt;
  return items;
}

std::string describe_range(const ConfigKey& key) {
  if (!key.least.empty() && !key.most.empty())
    return fmt::format(" from {} to {}", key.least, key.most);
  if (!key.least.empty()) return fmt::format(" of at least {}", key.least);
  return key.most.empty() ? std::string() : fmt::format(" of at most {}", key.most);
}

std::string describe_text(const ConfigKey& key) {
  if (!key.expectation.empty()) return key.expectation;
  if (key.choices.empty()) return "a string";
  std::string text = "one of";
  for (const auto& choice : key.choices) text += ' ' + quote_toml(choice);
  return text;
}

std::string describe_expected(const ConfigKey& key) {
  switch (key.type) {
    case ConfigType::kText: return describe_text(key);
    case ConfigType::kFlag: return "true or false";
    case ConfigType::kInteger: return "an integer" + describe_range(key);
    case ConfigType::kDuration: return "a duration such as \"100ms\"" + describe_range(key);
    case ConfigType::kBytes: return "a size such as \"64KiB\"" + describe_range(key);
    case ConfigType::kList:
      return "a list of strings" + (key.expectation.empty() ? "" : ", each " + key.expectation);
    case ConfigType::kMap: return "a table of strings";
  }
  FP_CHECK(false);
}

std::string quote_start(const std::string& text) {
  constexpr std::size_t kShownMax = 60;
  return quote_toml(text.size() <= kShownMax ? text : text.substr(0, kShownMax) + "…");
}

struct DescribeRaw {
  std::string operator()(const std::string& text) const { return quote_start(text); }
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
  std::string operator()(std::int64_t number) const { return std::to_string(number); }
  std::string operator()(const ConfigList& items) const {
    return fmt::format("a list of {}", items.size());
  }
  std::string operator()(const ConfigMap&) const { return "a table"; }
  std::string operator()(const RawOther& other) const { return other.type; }
  std::string operator()(const RawText& raw) const { return quote_start(raw.text); }
};

struct FormatValue {
  const ConfigKey& key;
  std::string operator()(const std::string& text) const { return quote_toml(text); }
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
  std::string operator()(std::int64_t number) const {
    return key.type == ConfigType::kBytes ? quote_toml(format_bytes(number))
                                          : std::to_string(number);
  }
  std::string operator()(Nanos duration) const { return quote_toml(format_duration(duration)); }
  std::string operator()(const ConfigList& items) const {
    std::string text;
    for (const auto& item : items) text += (text.empty() ? "" : ", ") + quote_toml(item);
    return '[' + text + ']';
  }
  std::string operator()(const ConfigMap& map) const {
    std::string text;
    for (const auto& [name, value] : map)
      text +=
          fmt::format("{}{} = {}", text.empty() ? "" : ", ", quote_toml(name), quote_toml(value));
    return '{' + text + '}';
  }
};

}  // namespace

std::optional<Nanos> parse_duration(std::string_view text) {
  const auto number = parse_quantity(text, kDurationUnits);
  return number ? std::optional(Nanos{*number}) : std::nullopt;
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  return parse_quantity(text, kByteUnits);
}

std::string format_duration(Nanos duration) {
  return format_quantity(duration.count(), kDurationUnits, "0s");
}

std::string format_bytes(std::int64_t bytes) {
  return format_quantity(bytes, kByteUnits, "0B");
}

std::optional<ConfigValue> read_value(const ConfigKey& key, const RawValue& raw) {
  switch (key.type) {
    case ConfigType::kText: return read_text(key, raw);
    case ConfigType::kFlag: return read_flag(raw);
    case ConfigType::kInteger:
    case ConfigType::kDuration:
    case ConfigType::kBytes: return read_number(key, raw);
    case ConfigType::kList: return read_list(key, raw);
    case ConfigType::kMap:
      if (const auto* map = std::get_if<ConfigMap>(&raw)) return *map;
      return std::nullopt;
  }
  FP_CHECK(false);
}

ConfigValue default_value(const ConfigKey& key) {
  if (key.type == ConfigType::kMap) return ConfigMap{};
  if (key.type == ConfigType::kText) return key.preset;
  auto value = read_value(key, RawText{key.preset});
  FP_CHECK(value.has_value());
  return *std::move(value);
}

std::string explain_value(const ConfigKey& key, const RawValue& raw) {
  const std::string expected = "expected " + describe_expected(key);
  return key.secret ? expected : expected + ", got " + std::visit(DescribeRaw{}, raw);
}

std::string format_value(const ConfigKey& key, const ConfigValue& value) {
  return std::visit(FormatValue{key}, value);
}

std::string quote_toml(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      quoted += {'\\', c};
    else if (byte < 0x20 || byte == 0x7f)
      quoted += fmt::format("\\u{:04x}", byte);
    else
      quoted += c;
  }
  return quoted + '"';
}

}  // namespace fieldpost::rt
