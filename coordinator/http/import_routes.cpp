#include "coordinator/http/import_routes.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "coordinator/experiments/uuid.h"
#include "coordinator/http/study_answers.h"
#include "proto/rt/http_text.h"
#include "proto/wire/rfc3339.h"

namespace fieldpost::coordinator {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kImportCursor = 'I';
constexpr const char* kExpected =
    R"(expected a JSON object such as {"name": "house.tar", "size": 1234, "sha256": "…"})";

Json time_of(std::int64_t ns, TimeFormat format) {
  if (format == TimeFormat::kNs) return ns;
  return wire::format_rfc3339(rt::UnixTime{ns});
}

std::uint64_t offset_in(Parameters& parameters) {
  const std::string text = parameters.text("offset");
  std::uint64_t offset = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), offset);
  const bool is_number = code == std::errc{} && end == text.data() + text.size();
  if (!text.empty() && (!is_number || offset > kImportBytesMax)) {
    parameters.complain("offset", "expected where in the file the piece begins");
  }
  return offset;
}

std::string shown(const Services& services, const ImportRow& row,
                  std::optional<std::uint64_t> received, TimeFormat times) {
  const auto progress = services.imports.progress(row.id);
  const Json request = Json::parse(row.request, nullptr, false);
  const bool runs = row.state == ImportState::kRunning && progress;
  Json out = {{"id", row.id},
              {"state", to_string(row.state)},
              {"request", request},
              {"created", time_of(row.created, times)},
              {"finished", row.finished ? time_of(*row.finished, times) : Json(nullptr)},
              {"phase", runs ? Json(to_string(progress->phase)) : Json(nullptr)},
              {"part", runs ? Json(progress->part) : Json(nullptr)},
              {"readings", std::max(row.readings, progress ? progress->readings : 0)},
              {"rows_bad", std::max(row.rows_bad, progress ? progress->rows_bad : 0)},
              {"problems", row.problems},
              {"experiment", row.experiment.empty() ? Json(nullptr) : Json(row.experiment)},
              {"error", row.error}};
  if (received) out["received"] = *received;
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ImportDesk::OnUpload answer(Services& services, std::shared_ptr<rt::HttpResponder> responder,
                            TimeFormat times) {
  return
      [&services, times, responder = std::move(responder)](const rt::Result<ImportUpload>& upload) {
        if (!upload) return responder->respond(study_refusal(upload.error()));
        const ImportState state = upload->row.state;
        const bool is_done = state == ImportState::kDone || state == ImportState::kFailed;
        responder->respond(json_response(shown(services, upload->row, upload->received, times),
                                         is_done ? 200 : 202));
      };
}

void list_imports(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const std::size_t limit = parameters.limit(kPageDefault, kPageMax);
  const TimeFormat times = parameters.times();
  const std::int64_t after = row_after(parameters, kImportCursor);
  if (refuse_bad(parameters, *call.responder)) return;
  services.studies.ask<std::vector<ImportRow>>(
      [after, limit](StudyReader& reader) { return ImportTable(reader.db).list(after, limit); },
      [&services, times, limit,
       responder = std::move(call.responder)](const rt::Result<std::vector<ImportRow>>& page) {
        if (!page) return responder->respond(study_refusal(page.error()));
        std::string items;
        for (const ImportRow& row : *page) {
          append_item(items, shown(services, row, std::nullopt, times));
        }
        const bool full = page->size() == limit;
        responder->respond(
            json_response(page_json(items, kImportCursor, full, full ? page->back().no : 0)));
      });
}

void create_import(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  JsonFields fields(call.request.body, kExpected);
  ImportRequest request = read_import_request(fields);
  if (fields.flag("again", false)) request.again = make_uuid(services.random);
  if (refuse_bad(fields, *call.responder)) return;
  services.imports.add(request, answer(services, std::move(call.responder), TimeFormat::kRfc3339));
}

void write_import(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const std::uint64_t offset = offset_in(parameters);
  if (refuse_bad(parameters, *call.responder)) return;
  services.imports.write(call.path[0], offset, std::move(call.request.body),
                         answer(services, std::move(call.responder), TimeFormat::kRfc3339));
}

void show_import(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const TimeFormat times = parameters.times();
  if (refuse_bad(parameters, *call.responder)) return;
  services.imports.find(call.path[0], [&services, times, responder = std::move(call.responder)](
                                          const rt::Result<ImportUpload>& upload) {
    if (!upload) return responder->respond(study_refusal(upload.error()));
    responder->respond(json_response(shown(services, upload->row, upload->received, times)));
  });
}

void remove_import(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  services.imports.remove(call.path[0],
                          [responder = std::move(call.responder)](const rt::Status& gone) {
                            if (!gone) return responder->respond(study_refusal(gone.error()));
                            responder->respond({204, {}, ""});
                          });
}

}  // namespace

void add_import_routes(Router& router, Services& services) {
  const auto add = [&](const char* method, const char* path, void (*handler)(Services&, Call)) {
    router.add(method, path,
               [&services, handler](Call call) { handler(services, std::move(call)); });
  };
  add("GET", "/api/v1/imports", list_imports);
  add("POST", "/api/v1/imports", create_import);
  add("GET", "/api/v1/imports/{id}", show_import);
  add("PUT", "/api/v1/imports/{id}/data", write_import);
  add("DELETE", "/api/v1/imports/{id}", remove_import);
}

}  // namespace fieldpost::coordinator
