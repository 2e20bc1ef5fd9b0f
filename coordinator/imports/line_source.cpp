#include "coordinator/imports/line_source.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/imports/text_pieces.h"
#include "proto/wire/line_protocol.h"
#include "proto/wire/names.h"
#include "proto/wire/topics.h"

namespace fieldpost::coordinator {
namespace {

using rt::Result;

/// The length of the first line with its end; 0: it has none. Line breaks inside quoted texts end
/// no line; quotes begin a text only where a field's value does.
std::size_t line_size(std::string_view text) {
  enum class In : std::uint8_t { kStart, kComment, kSeries, kFields, kText };
  In in = In::kStart;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in == In::kText) {
      if (c == '\\') ++i;
      if (c == '"') in = In::kFields;
      continue;
    }
    if (c == '\n') return i + 1;
    switch (in) {
      case In::kStart:
        if (c == '#') in = In::kComment;
        if (c != '#' && c != ' ' && c != '\r' && c != '\t') in = In::kSeries;
        break;
      case In::kSeries:
        if (c == '\\') ++i;
        if (c == ' ') in = In::kFields;
        break;
      case In::kFields:
        if (c == '"' && text[i - 1] == '=') in = In::kText;
        break;
      case In::kComment:
      case In::kText: break;
    }
  }
  return 0;
}

std::size_t last_line_end(std::string_view text) {
  std::size_t end = 0;
  while (const std::size_t size = line_size(text.substr(end))) end += size;
  return end;
}

class LineSource final : public ImportSource {
 public:
  LineSource(rt::Files& files, const std::string& path, const ImportRequest& request,
             const ImportPlace& place)
      : pieces_(files, path, place.offset, last_line_end),
        in_head_(place.offset == 0),
        node_(request.node),
        node_tag_(request.node_from),
        precision_(wire::parse_precision(request.precision).value_or(wire::Precision::kNs)) {}

  Result<bool> read(ImportSink& sink, ImportPlace& place) override {
    while (!sink.is_full()) {
      const auto piece = pieces_.next();
      if (!piece) return piece.error();
      if (piece->empty()) return false;
      add(*piece, place, sink);
      place.offset = pieces_.offset();
    }
    return true;
  }
  [[nodiscard]] double part() const override { return pieces_.part(); }

 private:
  static constexpr rt::UnixTime kNoTime{INT64_MIN + 1};  // what a line without one is given

  /// What one node gets. Series that differ only in how the tag writes its name, or in whether
  /// they have it, are one: its further columns stand in pieces of their own, which have each key
  /// once.
  struct NodeLines {
    std::vector<wire::ParsedLines> pieces;
    std::map<std::string, std::size_t> columns;  ///< of a series

    void add(std::string key, wire::ValueType type, wire::Column column) {
      const std::size_t piece = columns[key]++;
      if (piece == pieces.size()) pieces.emplace_back();
      wire::ParsedLines& lines = pieces[piece];
      lines.readings += column.count();
      lines.keys.push_back(std::move(key));
      lines.types.push_back(type);
      lines.columns.push_back(std::move(column));
    }
  };

  void add(std::string_view text, ImportPlace& place, ImportSink& sink) {
    wire::LineOptions options;
    options.precision = precision_;
    options.now = kNoTime;
    const std::string lines = without_statements(text);
    const wire::ParsedLines parsed = parser_.parse(lines, options);
    for (const wire::LineError& error : parsed.errors) {
      sink.complain(place.row + error.line, error.what);
    }
    for (std::size_t i = parsed.errors.size(); i < parsed.lines_bad; ++i) {
      sink.complain(place.row, "and others that follow");
    }
    if (!give(parsed, sink)) tell_left_out(lines, options, place.row, sink);
    const auto rows = static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
    place.row += rows;
    sink.pass(rows);
  }

  /// The statements at the beginning become comments, so that lines keep their numbers.
  std::string without_statements(std::string_view text) {
    std::string out(text);
    for (std::size_t at = 0; in_head_ && at < out.size();) {
      const std::size_t end = std::min(out.find('\n', at), out.size());
      const std::string_view line = std::string_view(out).substr(at, end - at);
      const std::size_t begin = line.find_first_not_of(" \t\r");
      const bool is_statement =
          begin != std::string_view::npos && line.substr(begin).starts_with("CREATE ");
      in_head_ = is_statement || begin == std::string_view::npos || line[begin] == '#';
      if (is_statement) out[at] = '#';
      at = end + 1;
    }
    return out;
  }

  /// false: some of it is of no node or has no time, and was left out.
  bool give(const wire::ParsedLines& parsed, ImportSink& sink) {
    bool whole = true;
    std::map<std::string, NodeLines> nodes;
    for (std::size_t c = 0; c < parsed.columns.size(); ++c) {
      std::string node = node_;
      std::string key = parsed.keys[c];
      if (!node_tag_.empty()) take_node(key, node);
      wire::Column column = parsed.columns[c];
      const std::size_t count = column.count();
      drop_timeless(column);
      const bool is_node = wire::is_valid_id(node);
      if (!is_node || column.count() < count) whole = false;
      if (!is_node || column.count() == 0) continue;
      nodes[node].add(std::move(key), parsed.types[c], std::move(column));
    }
    for (auto& [node, lines] : nodes) {
      for (wire::ParsedLines& piece : lines.pieces) sink.add(node, std::move(piece));
    }
    return whole;
  }

  /// Looks through lines one by one: which of them `give` left out.
  void tell_left_out(std::string_view text, const wire::LineOptions& options, std::uint64_t row,
                     ImportSink& sink) {
    while (!text.empty()) {
      const std::size_t size = line_size(text);
      const std::string_view line = text.substr(0, size == 0 ? text.size() : size);
      const wire::ParsedLines parsed = parser_.parse(line, options);
      if (!parsed.keys.empty()) {
        std::string node = node_;
        std::string key = parsed.keys.front();
        if (!node_tag_.empty()) take_node(key, node);
        if (!wire::is_valid_id(node)) {
          sink.complain(row + 1, "it is of no node: " + wire::quoted(node));
        } else if (parsed.columns.front().times.front() == kNoTime.ns) {
          sink.complain(row + 1, "it has no time");
        }
      }
      row += static_cast<std::uint64_t>(std::ranges::count(line, '\n'));
      text.remove_prefix(line.size());
    }
  }

  /// Takes the tag that names the node out of the key, if it is there.
  void take_node(std::string& text, std::string& node) const {
    auto key = wire::SeriesKey::parse(text);
    if (!key) return;
    const auto tag =
        std::ranges::find(key->tags, node_tag_, [](const auto& each) { return each.first; });
    if (tag == key->tags.end()) return;
    node = tag->second;
    std::ranges::transform(node, node.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    key->tags.erase(tag);
    text = key->text();
  }

  static void drop_timeless(wire::Column& column) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < column.count(); ++i) {
      if (column.times[i] == kNoTime.ns) continue;
      column.times[kept] = column.times[i];
      column.values[kept] = column.values[i];
      kept += 1;
    }
    column.times.resize(kept);
    column.values.resize(kept);
  }

  TextPieces pieces_;
  bool in_head_;  ///< nothing but statements and comments came yet
  std::string node_, node_tag_;
  wire::Precision precision_;
  wire::LineParser parser_;
};

}  // namespace

std::unique_ptr<ImportSource> open_line_source(rt::Files& files, const std::string& path,
                                               const ImportRequest& request,
                                               const ImportPlace& place) {
  return std::make_unique<LineSource>(files, path, request, place);
}

}  // namespace fieldpost::coordinator
