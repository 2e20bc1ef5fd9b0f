#include "coordinator/imports/import_request.h"

#include <fmt/format.h>

#include <array>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/wire/hash.h"
#include "proto/wire/line_protocol.h"
#include "proto/wire/topics.h"

namespace fieldpost::coordinator {
namespace {

constexpr std::size_t kMapMax = 256;  ///< fields, tags
constexpr std::size_t kNameMax = 255;

constexpr std::array<std::pair<ImportFormat, std::string_view>, 5> kFormats{
    {{ImportFormat::kArchive, "archive"},
     {ImportFormat::kParquet, "parquet"},
     {ImportFormat::kCsv, "csv"},
     {ImportFormat::kJsonLines, "jsonl"},
     {ImportFormat::kLineProtocol, "line_protocol"}}};

constexpr std::array<std::pair<std::string_view, ImportFormat>, 9> kEndings{
    {{".tar", ImportFormat::kArchive},
     {".tgz", ImportFormat::kArchive},
     {".parquet", ImportFormat::kParquet},
     {".csv", ImportFormat::kCsv},
     {".jsonl", ImportFormat::kJsonLines},
     {".ndjson", ImportFormat::kJsonLines},
     {".lp", ImportFormat::kLineProtocol},
     {".line", ImportFormat::kLineProtocol},
     {".influx", ImportFormat::kLineProtocol}}};

void read_format(JsonFields& fields, ImportRequest& request) {
  const std::string name = fields.text("format");
  const auto by_name = format_of_name(request.name);
  if (name.empty() && by_name) request.format = *by_name;
  if (name.empty() && !by_name) {
    fields.complain("format",
                    "expected archive, parquet, csv, jsonl or line_protocol: the name of the file "
                    "does not tell");
  }
  if (name.empty()) return;
  for (const auto& [format, text] : kFormats) {
    if (text != name) continue;
    request.format = format;
    return;
  }
  fields.complain("format", "expected archive, parquet, csv, jsonl or line_protocol");
}

void read_mapping(JsonFields& fields, ImportRequest& request) {
  if (!fields.has("mapping")) return;
  JsonFields from = fields.object("mapping");
  from.only({"measurement", "tags", "tag_pointers", "fields", "types", "units", "time_pointer",
             "time_precision"});
  mapping::JsonMapping mapping;
  mapping.measurement = from.required_text("measurement");
  mapping.tags = from.text_map("tags", kMapMax);
  mapping.tag_pointers = from.text_map("tag_pointers", kMapMax);
  for (auto& [name, column] : from.text_map("fields", kMapMax)) {
    mapping.fields.push_back({.name = name, .pointer = column, .type = {}, .unit = {}});
  }
  mapping.time_pointer = from.required_text("time_pointer");
  const std::string precision = from.text("time_precision");
  if (!precision.empty()) {
    const auto parsed = wire::parse_precision(precision);
    if (parsed) mapping.time_precision = *parsed;
    if (!parsed) from.complain("time_precision", "expected ns, us, ms, s, m or h");
  }
  if (mapping.fields.empty()) from.complain("fields", "expected {\"field\": \"column\"}");
  auto checked = mapping::set_types(mapping.fields, from.text_map("types", kMapMax));
  if (!checked) from.complain("types", checked.error().message);
  checked = mapping::set_units(mapping.fields, from.text_map("units", kMapMax));
  if (!checked) from.complain("units", checked.error().message);
  checked = mapping::check_form_mapping(mapping);
  if (!checked) from.complain("fields", checked.error().message);
  request.mapping = std::move(mapping);
  request.mapping_text = fields.raw("mapping");
}

void read_csv(JsonFields& fields, ImportRequest& request) {
  const std::string delimiter = fields.text("delimiter", 1);
  if (!delimiter.empty()) request.delimiter = delimiter.front();
  if (request.delimiter == '"' || request.delimiter == '\n' || request.delimiter == '\r') {
    fields.complain("delimiter", "expected one character that is no quote and no line break");
  }
  request.columns = fields.texts("columns", kCsvColumnsMax);
  read_mapping(fields, request);
}

/// What a format does not use must not be passed over.
void refuse_others(JsonFields& fields, const ImportRequest& request) {
  const auto refuse = [&](std::initializer_list<std::string_view> names, bool is_used) {
    for (const std::string_view name : names) {
      if (fields.has(name) && !is_used) {
        fields.complain(name, "this kind of file has no use for it");
      }
    }
  };
  const bool is_csv = request.format == ImportFormat::kCsv;
  const bool is_lines = request.format == ImportFormat::kLineProtocol;
  refuse({"mapping", "delimiter", "columns"}, is_csv);
  refuse({"precision"}, is_lines);
  refuse({"node", "node_from"}, is_lines || (is_csv && request.mapping.has_value()));
}

void read_node(JsonFields& fields, ImportRequest& request) {
  request.node = fields.text("node");
  request.node_from = fields.text("node_from");
  if (!request.node.empty() && !wire::is_valid_id(request.node)) {
    fields.complain("node", "expected 1 to 63 of a-z, 0-9, _ and -, not beginning with _ or -");
  }
  const bool needs_node =
      request.format == ImportFormat::kLineProtocol || request.mapping.has_value();
  if (needs_node && request.node.empty() && request.node_from.empty()) {
    fields.complain("node",
                    "expected whose readings these are, or \"node_from\", the tag or "
                    "column that says it");
  }
}

}  // namespace

std::string_view to_string(ImportFormat format) {
  for (const auto& [each, text] : kFormats) {
    if (each == format) return text;
  }
  return "";
}

std::optional<ImportFormat> format_of_name(std::string_view name) {
  for (const std::string_view packed : {".gz", ".zst", ".xz", ".bz2"}) {
    if (name.ends_with(packed)) name.remove_suffix(packed.size());
  }
  for (const auto& [ending, format] : kEndings) {
    if (name.ends_with(ending)) return format;
  }
  return std::nullopt;
}

ImportRequest read_import_request(JsonFields& fields) {
  fields.only({"format", "name", "size", "sha256", "node", "node_from", "precision", "mapping",
               "delimiter", "columns", "again"});
  ImportRequest request;
  request.name = fields.text("name", kNameMax);
  read_format(fields, request);
  const auto size = fields.integer("size");
  request.size = size && *size > 0 ? static_cast<std::uint64_t>(*size) : 0;
  if (request.size == 0 || request.size > kImportBytesMax) {
    fields.complain("size", fmt::format("expected 1 to {} bytes", kImportBytesMax));
  }
  const auto hash = wire::Sha256Digest::from_hex(fields.required_text("sha256"));
  if (hash) request.sha256 = *hash;
  if (!hash) fields.complain("sha256", "expected 64 lower-case hex digits");
  if (request.format == ImportFormat::kCsv) read_csv(fields, request);
  if (request.format == ImportFormat::kLineProtocol) {
    if (fields.has("precision")) request.precision = fields.text("precision");
    if (!wire::parse_precision(request.precision)) {
      fields.complain("precision", "expected ns, us, ms, s, m or h");
    }
  }
  read_node(fields, request);
  refuse_others(fields, request);
  return request;
}

rt::Result<ImportRequest> decode_import_request(std::string_view json) {
  JsonFields fields(json, "expected an import's request");
  auto request = read_import_request(fields);
  request.again = fields.text("again");
  if (!fields.problem().empty()) return rt::Error{rt::Errc::kCorrupt, fields.problem()};
  return request;
}

std::string encode(const ImportRequest& request) {
  nlohmann::ordered_json out = {{"format", to_string(request.format)},
                                {"name", request.name},
                                {"size", request.size},
                                {"sha256", request.sha256.hex()}};
  const std::pair<const char*, const std::string&> texts[] = {
      {"node", request.node}, {"node_from", request.node_from}, {"again", request.again}};
  for (const auto& [name, text] : texts) {
    if (!text.empty()) out[name] = text;
  }
  if (request.format == ImportFormat::kLineProtocol) {
    out["precision"] = request.precision;
  }
  if (request.format == ImportFormat::kCsv) {
    out["delimiter"] = std::string(1, request.delimiter);
    if (!request.columns.empty()) out["columns"] = request.columns;
    if (request.mapping) out["mapping"] = nlohmann::ordered_json::parse(request.mapping_text);
  }
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string import_id(const ImportRequest& request) {
  ImportRequest nameless = request;
  nameless.name.clear();
  return wire::hash128(encode(nameless)).hex();
}

}  // namespace fieldpost::coordinator
