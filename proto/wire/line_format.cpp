#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>
#include <iterator>

#include "proto/wire/line_protocol.h"
#include "proto/wire/names.h"

namespace fieldpost::wire {
namespace {

constexpr std::size_t kValueBytes = 32;  ///< what most values and times take behind a name

/// In a measurement InfluxDB takes `\=` for two characters, so `=` stays bare there.
void append_measurement(std::string& out, std::string_view name) {
  for (const char c : name) {
    if (c == ',' || c == ' ' || c == '\\') out += '\\';
    out += c;
  }
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

void append_double(std::string& out, double value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

}  // namespace

void append_line_value(std::string& line, ValueType type, std::uint64_t value,
                       std::string_view string_value) {
  line += '=';
  switch (type) {
    case ValueType::kF64: return append_double(line, std::bit_cast<double>(value));
    case ValueType::kI64:
      fmt::format_to(std::back_inserter(line), "{}i", static_cast<std::int64_t>(value));
      return;
    case ValueType::kU64: fmt::format_to(std::back_inserter(line), "{}u", value); return;
    case ValueType::kBool: line += value != 0 ? "true" : "false"; return;
    case ValueType::kString: return append_string(line, string_value);
  }
}

std::string format_line_name(const SeriesKey& key) {
  std::string out;
  out.reserve(key.text_bytes() + kValueBytes);
  append_measurement(out, key.measurement);
  for (const auto& [tag, tag_value] : key.tags) {
    out += ',';
    append_escaped(out, tag);
    out += '=';
    append_escaped(out, tag_value);
  }
  out += ' ';
  append_escaped(out, key.field);
  return out;
}

std::string format_line(const SeriesKey& key, std::optional<std::int64_t> time_ns,
                        std::uint64_t value, std::string_view string_value) {
  std::string out = format_line_name(key);
  append_line_value(out, key.type, value, string_value);
  if (time_ns) fmt::format_to(std::back_inserter(out), " {}", *time_ns);
  return out;
}

}  // namespace fieldpost::wire
