#include "coordinator/exports/export_request.h"

#include <array>
#include <nlohmann/json.hpp>

namespace fieldpost::coordinator {
namespace {

constexpr std::array kFormats{SampleFormat::kParquet, SampleFormat::kCsv, SampleFormat::kJsonLines};

SampleFormat read_format(JsonFields& fields) {
  const std::string name = fields.text("format");
  if (name.empty()) return SampleFormat::kParquet;
  for (const SampleFormat format : kFormats) {
    if (to_string(format) == name) return format;
  }
  fields.complain("format", "expected parquet, csv or jsonl");
  return SampleFormat::kParquet;
}

}  // namespace

std::string_view to_string(SampleFormat format) {
  switch (format) {
    case SampleFormat::kParquet: return "parquet";
    case SampleFormat::kCsv: return "csv";
    case SampleFormat::kJsonLines: return "jsonl";
  }
  return "";
}

std::string_view extension_of(SampleFormat format) {
  return to_string(format);
}

ExportRequest read_export_request(JsonFields& fields) {
  fields.only({"format", "from", "to", "participants", "tasks", "sensors", "time"});
  ExportRequest request;
  request.format = read_format(fields);
  request.range.from = fields.time("from").value_or(INT64_MIN);
  request.range.to = fields.time("to").value_or(INT64_MAX);
  if (request.range.from >= request.range.to) {
    fields.complain("to", "expected a time after \"from\"");
  }
  request.participants = fields.texts("participants", kExportNamesMax);
  request.tasks = fields.texts("tasks", kExportNamesMax);
  request.sensors = fields.texts("sensors", kExportNamesMax);
  const std::string time = fields.text("time");
  if (!time.empty() && time != "corrected" && time != "stored") {
    fields.complain("time", "expected corrected or stored");
  }
  request.corrected = time != "stored";
  return request;
}

rt::Result<ExportRequest> decode_export_request(std::string_view json) {
  JsonFields fields(json, "expected an export's request");
  auto request = read_export_request(fields);
  if (!fields.problem().empty()) return rt::Error{rt::Errc::kCorrupt, fields.problem()};
  return request;
}

std::string encode(const ExportRequest& request) {
  nlohmann::ordered_json out = {{"format", to_string(request.format)}};
  if (request.range.from != INT64_MIN) out["from"] = request.range.from;
  if (request.range.to != INT64_MAX) out["to"] = request.range.to;
  out["participants"] = request.participants;
  out["tasks"] = request.tasks;
  out["sensors"] = request.sensors;
  out["time"] = request.corrected ? "corrected" : "stored";
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace fieldpost::coordinator
