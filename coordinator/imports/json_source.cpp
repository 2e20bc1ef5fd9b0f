#include "coordinator/imports/json_source.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "coordinator/imports/sample_rows.h"
#include "coordinator/imports/text_pieces.h"
#include "proto/rt/json_depth.h"
#include "proto/wire/rfc3339.h"

namespace fieldpost::coordinator {
namespace {

using nlohmann::json;
using rt::Errc;
using rt::Error;
using rt::Result;
using rt::Status;

const std::string* text_in(const json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() ? nullptr : at->get_ptr<const std::string*>();
}

Error invalid(const char* what) {
  return {Errc::kInvalid, what};
}

class JsonSource final : public ImportSource {
 public:
  JsonSource(rt::Files& files, const std::string& path, const ImportPlace& place)
      : pieces_(files, path, place.offset) {}

  Result<bool> read(ImportSink& sink, ImportPlace& place) override {
    while (!sink.is_full()) {
      auto lines = pieces_.next();
      if (!lines) return lines.error();
      if (lines->empty()) return false;
      while (!lines->empty()) {
        const std::string_view line = lines->substr(0, lines->find('\n'));
        lines->remove_prefix(std::min(line.size() + 1, lines->size()));
        place.row += 1;
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        sink.pass(1);
        if (auto done = add_line(line); !done) sink.complain(place.row, done.error().message);
      }
      place.offset = pieces_.offset();
      rows_.give(sink);
    }
    return true;
  }
  [[nodiscard]] double part() const override { return pieces_.part(); }

 private:
  Status add_line(std::string_view line) {
    const json object = rt::nests_too_deep(line) ? json() : json::parse(line, nullptr, false);
    if (!object.is_object()) return invalid("no JSON object");
    const std::string* time = text_in(object, "time");
    const std::string* node = text_in(object, "node");
    const std::string* series = text_in(object, "series");
    if (time == nullptr || node == nullptr || series == nullptr) {
      return invalid("expected the members time, node and series");
    }
    const auto when = wire::parse_rfc3339(*time);
    if (!when) return when.error();
    const auto place = rows_.find(*node, *series);
    if (!place) return place.error();
    const auto raw = object.find("raw");
    if (raw == object.end()) return invalid("expected a member raw");
    if (const auto* text = raw->get_ptr<const std::string*>()) {
      return rows_.add_value(**place, when->ns, *text);  // texts, "nan", "inf"
    }
    if (raw->is_structured() || raw->is_null() || (*place)->type == wire::ValueType::kString) {
      return invalid("raw is of another type than its series");
    }
    std::string number = raw->dump();
    // A JSON parser reads -0 as the integer 0.
    if (number == "0" && line.find("\"raw\":-0") != std::string_view::npos) number = "-0";
    return rows_.add_value(**place, when->ns, number);
  }

  TextPieces pieces_;
  SampleRows rows_;
};

}  // namespace

std::unique_ptr<ImportSource> open_json_source(rt::Files& files, const std::string& path,
                                               const ImportPlace& place) {
  return std::make_unique<JsonSource>(files, path, place);
}

}  // namespace fieldpost::coordinator
