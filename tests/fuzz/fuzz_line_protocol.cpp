// What a parser answers, written as lines again, parses to the same; with units every series is
// one that can be stored, once.
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "proto/wire/line_protocol.h"

namespace {

namespace wire = fieldpost::wire;

std::string lines_of(const wire::ParsedLines& parsed) {
  std::string text;
  for (std::size_t i = 0; i < parsed.keys.size(); ++i) {
    const auto key = wire::SeriesKey::parse(parsed.keys[i]);
    FP_CHECK(key.has_value());
    const wire::Column& column = parsed.columns[i];
    for (std::size_t at = 0; at < column.count(); ++at) {
      const bool is_string = key->type == wire::ValueType::kString;
      const std::string_view string =
          is_string ? std::string_view(column.strings[column.values[at]]) : std::string_view();
      text += wire::format_line(*key, column.times[at], column.values[at], string) + "\n";
    }
  }
  return text;
}

void check_units(std::string_view text, const wire::LineOptions& options) {
  wire::LineParser parser(wire::UnitLines::kObeyed);
  for (int i = 0; i < 2; ++i) {
    const auto parsed = parser.parse(text, options);
    std::size_t readings = 0;
    for (const wire::Column& column : parsed.columns) readings += column.count();
    FP_CHECK(readings == parsed.readings);
    for (const std::string& key : parsed.keys) FP_CHECK(wire::SeriesKey::parse(key).has_value());
    FP_CHECK(std::set<std::string>(parsed.keys.begin(), parsed.keys.end()).size() ==
             parsed.keys.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  wire::LineOptions options;
  options.now.ns = 1'700'000'000'000'000'000;
  wire::LineParser parser;
  const auto parsed = parser.parse(text, options);
  FP_CHECK(parsed.errors.empty() == (parsed.lines_bad == 0));
  const auto seasoned = parser.parse(text, options);
  FP_CHECK(seasoned.keys == parsed.keys && seasoned.columns == parsed.columns);
  const auto again = wire::LineParser().parse(lines_of(parsed), options);
  FP_CHECK(again.lines_bad == 0);
  FP_CHECK(again.keys == parsed.keys && again.types == parsed.types);
  FP_CHECK(again.columns == parsed.columns);
  check_units(text, options);
  return 0;
}
