#include "coordinator/imports/sample_rows.h"

#include <bit>
#include <charconv>
#include <optional>
#include <utility>

#include "proto/wire/limits.h"
#include "proto/wire/names.h"
#include "proto/wire/topics.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;
using rt::Status;
using wire::ValueType;

Error invalid(std::string_view what, std::string_view text) {
  return {Errc::kInvalid, std::string(what) + ": " + wire::quoted(text)};
}

template <typename Number>
std::optional<Number> parse_all(std::string_view text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [at, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc{} || at != end) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> bits_of(std::string_view text, ValueType type) {
  switch (type) {
    case ValueType::kF64:
      // from_chars takes "nan" and "inf", as exports write them.
      if (const auto number = parse_all<double>(text)) return std::bit_cast<std::uint64_t>(*number);
      return std::nullopt;
    case ValueType::kI64:
      if (const auto number = parse_all<std::int64_t>(text)) {
        return std::bit_cast<std::uint64_t>(*number);
      }
      return std::nullopt;
    case ValueType::kU64: return parse_all<std::uint64_t>(text);
    case ValueType::kBool:
      if (text == "true") return 1;
      if (text == "false") return 0;
      return std::nullopt;
    case ValueType::kString: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

Result<SampleRows::Place*> SampleRows::find(std::string_view node, std::string_view series) {
  const bool is_last = last_ != nullptr && last_key_.size() == node.size() + 1 + series.size() &&
                       last_key_[node.size()] == '\n' && last_key_.starts_with(node) &&
                       last_key_.ends_with(series);
  if (is_last) return last_;
  std::string name(node);
  name += '\n';
  name += series;
  auto at = places_.find(name);
  if (at == places_.end()) {
    if (!wire::is_valid_id(node)) return invalid("no name of a node", node);
    const auto key = wire::SeriesKey::parse(series);
    if (!key) return invalid("no series", series);
    wire::ParsedLines& lines = nodes_[std::string(node)];
    lines.keys.emplace_back(series);
    bytes_ += series.size();
    lines.types.push_back(key->type);
    lines.columns.emplace_back();
    at = places_.emplace(name, Place{&lines, lines.columns.size() - 1, key->type}).first;
  }
  last_key_ = std::move(name);
  last_ = &at->second;
  return last_;
}

void SampleRows::add(Place& place, std::int64_t time, std::uint64_t bits) {
  wire::Column& column = place.lines->columns[place.column];
  column.times.push_back(time);
  column.values.push_back(bits);
  place.lines->readings += 1;
  rows_ += 1;
}

Status SampleRows::add_text(Place& place, std::int64_t time, std::string_view text) {
  if (text.size() > wire::kStringValueBytesMax) {
    return Error{Errc::kInvalid, "the text is longer than " +
                                     std::to_string(wire::kStringValueBytesMax) + " bytes"};
  }
  if (!wire::is_utf8(text)) return Error{Errc::kInvalid, "the text is not UTF-8"};
  wire::Column& column = place.lines->columns[place.column];
  if (column.strings.empty() || column.strings.back() != text) column.strings.emplace_back(text);
  bytes_ += text.size();
  add(place, time, column.strings.size() - 1);
  return rt::ok();
}

Status SampleRows::add_value(Place& place, std::int64_t time, std::string_view text) {
  if (place.type == ValueType::kString) return add_text(place, time, text);
  const auto bits = bits_of(text, place.type);
  if (!bits) return invalid("no value of type " + std::string(to_string(place.type)), text);
  add(place, time, *bits);
  return rt::ok();
}

void SampleRows::give(ImportSink& sink) {
  for (auto& [node, lines] : nodes_) sink.add(node, std::move(lines));
  *this = SampleRows();
}

}  // namespace fieldpost::coordinator
