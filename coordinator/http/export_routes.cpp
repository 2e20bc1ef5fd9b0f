#include "coordinator/http/export_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "coordinator/experiments/study_json.h"
#include "coordinator/http/export_download.h"
#include "coordinator/http/study_answers.h"
#include "proto/rt/http_text.h"

namespace fieldpost::coordinator {
namespace {

constexpr char kExportCursor = 'X';
constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr const char* kExpected =
    R"(expected a JSON object such as {"format": "parquet", "participants": ["P01"]}, or nothing: )"
    "the whole experiment";

/// The row with what is known of one that runs.
ExportRow current(const Services& services, ExportRow row) {
  const auto progress = services.exports.progress(row.id);
  if (!progress) return row;
  row.files = progress->files;
  row.readings = progress->readings;
  row.bytes = progress->bytes;
  return row;
}

std::string shown(const Services& services, const ExportRow& row, TimeFormat times) {
  const auto progress = services.exports.progress(row.id);
  return export_json(current(services, row), progress ? progress->files_total : row.files, times);
}

void list_exports(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const std::size_t limit = parameters.limit(kPageDefault, kPageMax);
  const TimeFormat times = parameters.times();
  const std::int64_t after = row_after(parameters, kExportCursor);
  if (refuse_bad(parameters, *call.responder)) return;
  services.studies.ask<std::vector<ExportRow>>(
      [id = call.path[0], after, limit](StudyReader& reader) -> rt::Result<std::vector<ExportRow>> {
        const auto experiment = reader.studies.experiments.find(id);
        if (!experiment) return experiment.error();
        return reader.studies.exports.list(experiment->no, after, limit);
      },
      [&services, times, limit,
       responder = std::move(call.responder)](const rt::Result<std::vector<ExportRow>>& page) {
        if (!page) return responder->respond(study_refusal(page.error()));
        std::string items;
        for (const ExportRow& row : *page) append_item(items, shown(services, row, times));
        const bool full = page->size() == limit;
        responder->respond(
            json_response(page_json(items, kExportCursor, full, full ? page->back().no : 0)));
      });
}

void create_export(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  JsonFields fields(call.request.body, kExpected);
  const ExportRequest request = read_export_request(fields);
  if (refuse_bad(fields, *call.responder)) return;
  services.exports.add(
      call.path[0], request,
      [&services, responder = std::move(call.responder)](const rt::Result<ExportRow>& row) {
        if (!row) return responder->respond(study_refusal(row.error()));
        responder->respond(json_response(shown(services, *row, TimeFormat::kRfc3339), 202));
      });
}

struct FoundExport {
  Experiment experiment;
  ExportRow row;
};

using OnFound = std::function<void(FoundExport found, std::shared_ptr<rt::HttpResponder>)>;

void find_export(Services& services, Call call, OnFound on_found) {
  services.studies.ask<FoundExport>(
      [path = call.path](StudyReader& reader) -> rt::Result<FoundExport> {
        auto experiment = reader.studies.experiments.find(path[0]);
        if (!experiment) return experiment.error();
        auto row = reader.studies.exports.find(experiment->no, path[1]);
        if (!row) return row.error();
        return FoundExport{*std::move(experiment), *std::move(row)};
      },
      [responder = std::move(call.responder),
       on_found = std::move(on_found)](rt::Result<FoundExport> found) {
        if (!found) return responder->respond(study_refusal(found.error()));
        on_found(*std::move(found), responder);
      });
}

void show_export(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const TimeFormat times = parameters.times();
  if (refuse_bad(parameters, *call.responder)) return;
  find_export(services, std::move(call),
              [&services, times](const FoundExport& found,
                                 const std::shared_ptr<rt::HttpResponder>& responder) {
                responder->respond(json_response(shown(services, found.row, times)));
              });
}

void remove_export(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  find_export(
      services, std::move(call),
      [&services](const FoundExport& found, const std::shared_ptr<rt::HttpResponder>& responder) {
        services.exports.remove(found.experiment.id, found.row.id,
                                [responder](const rt::Status& gone) {
                                  if (!gone) return responder->respond(study_refusal(gone.error()));
                                  responder->respond({204, {}, ""});
                                });
      });
}

using OnListed = std::function<void(DoneExport done, rt::HttpRequest request,
                                    std::shared_ptr<rt::HttpResponder>)>;

/// Of an export that is done.
void find_files(Services& services, Call call, OnListed on_listed) {
  auto request = std::make_shared<rt::HttpRequest>(std::move(call.request));
  find_export(
      services, std::move(call),
      [&services, request, on_listed = std::move(on_listed)](
          const FoundExport& found, std::shared_ptr<rt::HttpResponder> responder) {
        DoneExport done;
        done.directory = services.exports.directory_of(found.row.id) + "/" + found.experiment.id;
        done.blob_directory = services.blob_directory;
        done.experiment = found.experiment.id;
        done.created_s = found.experiment.created / kNsPerSecond;
        services.exports.list_files(found.row, found.experiment.id,
                                    [done, request, on_listed, responder = std::move(responder)](
                                        rt::Result<ExportDesk::FileList> files) mutable {
                                      if (!files)
                                        return responder->respond(study_refusal(files.error()));
                                      done.files = *std::move(files);
                                      on_listed(std::move(done), std::move(*request), responder);
                                    });
      });
}

void list_files(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  find_files(services, std::move(call),
             [](const DoneExport& done, const rt::HttpRequest&,
                const std::shared_ptr<rt::HttpResponder>& responder) {
               std::string items;
               for (const ExportDesk::ListedFile& file : *done.files) {
                 append_item(items, fmt::format(R"({{"path":{},"bytes":{},"sha256":"{}"}})",
                                                json_string(file.path), file.written.size,
                                                file.written.sha256.hex()));
               }
               responder->respond(json_response(list_json(items, "")));
             });
}

void send_archive(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  find_files(services, std::move(call),
             [&services](DoneExport done, rt::HttpRequest request,
                         std::shared_ptr<rt::HttpResponder> responder) {
               send_export_archive(services.exports, std::move(done), std::move(request),
                                   std::move(responder));
             });
}

/// `name`: one or two segments of the path.
void send_file(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  std::string name = call.path[2];
  for (std::size_t i = 3; i < call.path.size(); ++i) name += "/" + call.path[i];
  find_files(services, std::move(call),
             [&services, name](const DoneExport& done, const rt::HttpRequest& request,
                               std::shared_ptr<rt::HttpResponder> responder) {
               const auto& files = *done.files;
               const auto file = std::ranges::find(files, name, &ExportDesk::ListedFile::path);
               if (file == files.end()) {
                 return responder->respond(
                     rt::problem_response(404, "the export has no file \"" + name + "\""));
               }
               send_export_file(services.exports, done, *file, request, std::move(responder));
             });
}

}  // namespace

void add_export_routes(Router& router, Services& services) {
  const auto add = [&](const char* method, const char* path, void (*handler)(Services&, Call)) {
    router.add(method, path,
               [&services, handler](Call call) { handler(services, std::move(call)); });
  };
  add("GET", "/api/v1/experiments/{id}/exports", list_exports);
  add("POST", "/api/v1/experiments/{id}/exports", create_export);
  add("GET", "/api/v1/experiments/{id}/exports/{export}", show_export);
  add("DELETE", "/api/v1/experiments/{id}/exports/{export}", remove_export);
  add("GET", "/api/v1/experiments/{id}/exports/{export}/archive", send_archive);
  add("GET", "/api/v1/experiments/{id}/exports/{export}/files", list_files);
  add("GET", "/api/v1/experiments/{id}/exports/{export}/files/{file}", send_file);
  add("GET", "/api/v1/experiments/{id}/exports/{export}/files/{folder}/{file}", send_file);
}

}  // namespace fieldpost::coordinator
