#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <numeric>
#include <optional>

#include "proto/rt/config.h"
#include "proto/rt/config_file.h"
#include "proto/rt/config_value.h"

namespace fieldpost::rt {
namespace {

constexpr std::string_view kVariablePrefix = "FIELDPOST_";
constexpr std::string_view kVariableDivider = "__";

Error invalid(std::string_view place, std::string_view what) {
  return {Errc::kInvalid, fmt::format("{}: {}", place, what)};
}

/// Of Levenshtein.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// "did you mean X?", or else all there are.
std::string suggest(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t kWordMax = 64;
  const auto distance = [&](const std::string& k) {
    return edit_distance(word.substr(0, kWordMax), k);
  };
  const auto nearest = std::ranges::min_element(known, {}, distance);
  if (nearest != known.end() && distance(*nearest) <= std::max<std::size_t>(2, nearest->size() / 3))
    return fmt::format("did you mean {}?", *nearest);
  std::string all;
  for (const auto& name : known) all += (all.empty() ? "expected one of: " : ", ") + name;
  return all;
}

std::vector<std::string> section_names(const ConfigSchema& schema) {
  std::vector<std::string> names;
  for (const auto& section : schema)
    if (names.empty() || names.back() != section.name) names.push_back(section.name);
  return names;
}

/// Reads tables of one kind of file against one schema.
class Reader {
 public:
  explicit Reader(const ConfigSchema& schema) : schema_(schema) {}

  Status check_section(const RawTable& table) const {
    const auto section = std::ranges::find(schema_, table.name, &ConfigSection::name);
    if (section == schema_.end())
      return invalid(table.place, fmt::format("unknown section [{}]; {}", table.name,
                                              suggest(table.name, section_names(schema_))));
    if (section->repeated && !table.repeated)
      return invalid(table.place,
                     fmt::format("expected [[{0}]], one for each, not [{0}]", table.name));
    if (!section->repeated && table.repeated)
      return invalid(table.place, fmt::format("expected one [{0}], not [[{0}]]", table.name));
    return ok();
  }

  /// The keys of a repeated section may depend on its `kind`.
  Result<const ConfigSection*> section_of(const RawTable& table) const {
    std::vector<std::string> kinds;
    const auto kind = kind_of(table);
    for (const auto& section : schema_) {
      if (section.name != table.name) continue;
      if (section.kind.empty() || section.kind == kind) return &section;
      kinds.push_back(section.kind);
    }
    if (!kind)
      return invalid(table.place,
                     fmt::format("{}.kind: missing; {}", table.name, suggest("", kinds)));
    return invalid(table.place, fmt::format("{}.kind: unknown kind {}; {}", table.name,
                                            quote_toml(*kind), suggest(*kind, kinds)));
  }

  static Status take(const ConfigSection& section, const RawEntry& raw, ConfigTable& table) {
    const auto key = std::ranges::find(section.keys, raw.key, &ConfigKey::name);
    if (key == section.keys.end()) {
      std::vector<std::string> names;
      for (const auto& known : section.keys) names.push_back(known.name);
      return invalid(raw.place, fmt::format("{}.{}: unknown key; {}", section.name, raw.key,
                                            suggest(raw.key, names)));
    }
    auto value = read_value(*key, raw.value);
    if (!value)
      return invalid(raw.place, fmt::format("{}.{}: {}", section.name, raw.key,
                                            explain_value(*key, raw.value)));
    table.set(raw.key, {*std::move(value), raw.place});
    return ok();
  }

  static Result<ConfigTable> read(const ConfigSection& section,
                                  const std::vector<RawEntry>& entries, const std::string& place) {
    ConfigTable table(section.name, place);
    for (const auto& raw : entries) {
      if (!section.kind.empty() && raw.key == "kind") continue;
      if (auto taken = take(section, raw, table); !taken) return taken.error();
    }
    for (const auto& key : section.keys) {
      if (table.has(key.name)) continue;
      if (key.required)
        return invalid(place,
                       fmt::format("{}.{}: missing; it has no default", section.name, key.name));
      table.set(key.name, {default_value(key), ""});
    }
    if (!section.kind.empty()) table.set("kind", {section.kind, place});
    return table;
  }

 private:
  static std::optional<std::string> kind_of(const RawTable& table) {
    const auto entry = std::ranges::find(table.entries, "kind", &RawEntry::key);
    if (entry == table.entries.end()) return std::nullopt;
    const auto* kind = std::get_if<std::string>(&entry->value);
    return kind == nullptr ? std::string() : *kind;
  }

  const ConfigSchema& schema_;
};

struct Override {
  std::string section;
  RawEntry entry;
};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

/// Variables without the divider are other programs' business.
std::optional<Override> from_variable(const std::pair<std::string, std::string>& variable) {
  const auto& [name, value] = variable;
  if (!name.starts_with(kVariablePrefix)) return std::nullopt;
  const std::string path = lower_case(std::string_view(name).substr(kVariablePrefix.size()));
  const std::size_t divider = path.find(kVariableDivider);
  if (divider == std::string::npos) return std::nullopt;
  return Override{path.substr(0, divider),
                  {path.substr(divider + kVariableDivider.size()), RawText{value}, name}};
}

Result<Override> from_set(const std::string& set) {
  const std::size_t equals = set.find('=');
  const std::size_t dot = set.find('.');
  if (equals == std::string::npos || dot > equals)
    return invalid("--set", fmt::format("expected section.key=value, got {}", quote_toml(set)));
  return Override{
      set.substr(0, dot),
      {set.substr(dot + 1, equals - dot - 1), RawText{set.substr(equals + 1)}, "--set"}};
}

Result<std::vector<Override>> gather_overrides(const ConfigSources& sources) {
  std::vector<Override> overrides;
  for (const auto& variable : sources.environment)
    if (auto found = from_variable(variable)) overrides.push_back(*std::move(found));
  for (const auto& set : sources.sets) {
    auto found = from_set(set);
    if (!found) return found.error();
    overrides.push_back(*std::move(found));
  }
  return overrides;
}

Status check_overrides(const Reader& reader, const ConfigSchema& schema,
                       const std::vector<Override>& overrides) {
  for (const auto& [section, entry] : overrides) {
    const auto known = std::ranges::find(schema, section, &ConfigSection::name);
    if (known != schema.end() && known->repeated)
      return invalid(entry.place, fmt::format("[[{}]] can be set in the file only", section));
    if (auto checked = reader.check_section({.name = section, .place = entry.place}); !checked)
      return checked;
  }
  return ok();
}

Result<ConfigTable> read_single(const ConfigSection& section, const std::vector<RawTable>& tables,
                                const std::vector<Override>& overrides, const std::string& file) {
  std::vector<RawEntry> entries;
  std::string place = file;
  for (const auto& table : tables) {
    if (table.name != section.name) continue;
    entries = table.entries;
    place = table.place;
  }
  for (const auto& override : overrides)
    if (override.section == section.name) entries.push_back(override.entry);
  return Reader::read(section, entries, place);
}

}  // namespace

Result<Config> load_config(const ConfigSchema& schema, const ConfigSources& sources) {
  const Reader reader(schema);
  const auto tables = parse_toml(sources.file_name, sources.file_text);
  if (!tables) return tables.error();
  const auto overrides = gather_overrides(sources);
  if (!overrides) return overrides.error();
  if (auto checked = check_overrides(reader, schema, *overrides); !checked) return checked.error();

  Config config;
  for (const auto& section : schema) config.add(section);
  for (const auto& raw : *tables) {
    if (auto checked = reader.check_section(raw); !checked) return checked.error();
    if (!raw.repeated) continue;
    const auto section = reader.section_of(raw);
    if (!section) return section.error();
    auto table = Reader::read(**section, raw.entries, raw.place);
    if (!table) return table.error();
    config.add(raw.name, *std::move(table));
  }
  for (const auto& section : schema) {
    if (section.repeated) continue;
    auto table = read_single(section, *tables, *overrides, sources.file_name);
    if (!table) return table.error();
    config.add(section.name, *std::move(table));
  }
  return config;
}

}  // namespace fieldpost::rt
