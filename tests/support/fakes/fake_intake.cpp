#include "tests/support/fakes/fake_intake.h"

#include <fmt/format.h>

#include <bit>

namespace fieldpost::sim {
namespace {

std::string value_text(const wire::Column& column, wire::ValueType type, std::size_t i) {
  const std::uint64_t bits = column.values[i];
  switch (type) {
    case wire::ValueType::kF64: return fmt::format("{}", std::bit_cast<double>(bits));
    case wire::ValueType::kI64: return fmt::format("{}i", static_cast<std::int64_t>(bits));
    case wire::ValueType::kU64: return fmt::format("{}u", bits);
    case wire::ValueType::kBool: return bits != 0 ? "true" : "false";
    case wire::ValueType::kString: return '"' + column.strings.at(bits) + '"';
  }
  return "?";
}

}  // namespace

std::vector<std::string> readings_of(const wire::ParsedLines& lines) {
  std::vector<std::string> out;
  for (std::size_t c = 0; c < lines.keys.size(); ++c) {
    for (std::size_t i = 0; i < lines.columns[c].count(); ++i) {
      out.push_back(fmt::format("{} = {} @{}", lines.keys[c],
                                value_text(lines.columns[c], lines.types[c], i),
                                lines.columns[c].times[i]));
    }
  }
  return out;
}

std::vector<std::string> readings_of(const std::vector<wire::ParsedLines>& batches) {
  std::vector<std::string> out;
  for (const wire::ParsedLines& lines : batches) {
    for (std::string& reading : readings_of(lines)) out.push_back(std::move(reading));
  }
  return out;
}

}  // namespace fieldpost::sim
