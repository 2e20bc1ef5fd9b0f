#include "coordinator/imports/line_source.h"

#include <algorithm>
#include <map>
#include <utility>

#include "coordinator/imports/text_pieces.h"
#include "proto/wire/line_protocol.h"
#include "proto/wire/names.h"
#include "proto/wire/topics.h"

namespace fieldpost::coordinator {
namespace {

using rt::Result;
using rt::Status;

class LineSource final : public ImportSource {
 public:
  LineSource(rt::Files& files, const std::string& path, const ImportRequest& request,
             const ImportPlace& place)
      : pieces_(files, path, place.offset),
        node_(request.node),
        node_tag_(request.node_from),
        precision_(wire::parse_precision(request.precision).value_or(wire::Precision::kNs)) {}

  Result<bool> read(ImportSink& sink, ImportPlace& place) override {
    while (!sink.is_full()) {
      const auto piece = pieces_.next();
      if (!piece) return piece.error();
      if (piece->empty()) return false;
      if (auto done = add(*piece, place, sink); !done) return done.error();
      place.offset = pieces_.offset();
    }
    return true;
  }
  [[nodiscard]] double part() const override { return pieces_.part(); }

 private:
  static constexpr rt::UnixTime kNoTime{INT64_MIN + 1};  // what a line without one is given

  Status add(std::string_view text, ImportPlace& place, ImportSink& sink) {
    wire::LineOptions options;
    options.precision = precision_;
    options.now = kNoTime;
    const std::string lines = without_statements(text, place.row);
    const wire::ParsedLines parsed = parser_.parse(lines, options);
    for (const wire::LineError& error : parsed.errors) {
      sink.complain(place.row + error.line, error.what);
    }
    for (std::size_t i = parsed.errors.size(); i < parsed.lines_bad; ++i) {
      sink.complain(place.row, "and others that follow");
    }
    place.row += static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
    return give(parsed, place, sink);
  }

  /// The statements become comments, so that lines keep their numbers.
  std::string without_statements(std::string_view text, std::uint64_t row) {
    std::string out(text);
    if (row > kStatementRowsMax) return out;
    for (std::size_t at = 0; at < out.size();) {
      if (out.compare(at, 7, "CREATE ") == 0) out[at] = '#';
      const std::size_t end = out.find('\n', at);
      if (end == std::string::npos) break;
      at = end + 1;
    }
    return out;
  }

  Status give(const wire::ParsedLines& parsed, const ImportPlace& place, ImportSink& sink) {
    std::map<std::string, wire::ParsedLines> nodes;
    for (std::size_t c = 0; c < parsed.columns.size(); ++c) {
      std::string node = node_;
      std::string key = parsed.keys[c];
      if (!node_tag_.empty()) take_node(key, node);
      wire::Column column = parsed.columns[c];
      const std::size_t count = column.count();
      drop_timeless(column);
      const bool is_node = wire::is_valid_id(node);
      for (std::size_t i = is_node ? column.count() : 0; i < count; ++i) {
        sink.complain(place.row,
                      is_node ? "a line before this one has no time"
                              : "a line before this one is of no node: " + wire::quoted(node));
      }
      if (!is_node || column.count() == 0) continue;
      wire::ParsedLines& lines = nodes[node];
      lines.readings += column.count();
      lines.keys.push_back(std::move(key));
      lines.types.push_back(parsed.types[c]);
      lines.columns.push_back(std::move(column));
    }
    for (const auto& [node, lines] : nodes) {
      if (auto done = sink.add(node, lines); !done) return done;
    }
    return rt::ok();
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

  static constexpr std::uint64_t kStatementRowsMax = 1000;
  TextPieces pieces_;
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
