#include "coordinator/http/export_download.h"

#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/exports/exported_bodies.h"
#include "coordinator/exports/tar_archive.h"
#include "coordinator/http/answers.h"
#include "coordinator/http/byte_stream.h"
#include "coordinator/store/blob_path.h"

namespace fieldpost::coordinator {
namespace {

using rt::Result;

/// Bodies lie where the store has them.
std::string place_of(const DoneExport& done, const ExportDesk::ListedFile& file) {
  const bool is_body = std::string_view(file.path).starts_with(kBodiesDirectory);
  return is_body ? blob_path(done.blob_directory, file.written.sha256)
                 : done.directory + "/" + file.path;
}

/// Another layout of the same files has to have another tag.
constexpr const char* kArchiveTag = "tar-1-";

rt::HttpHeaders headers_of(const char* type, const std::string& name) {
  return {{"Content-Type", type},
          {"Content-Disposition", "attachment; filename=\"" + name + "\""},
          {"X-Content-Type-Options", "nosniff"},
          {"Cache-Control", "no-cache"}};
}

Result<TarArchive> lay_out(const DoneExport& done) {
  std::vector<TarArchive::File> files;
  for (const ExportDesk::ListedFile& file : *done.files) {
    files.push_back({place_of(done, file), done.experiment + "/" + file.path, file.written.size});
  }
  return TarArchive::lay_out(std::move(files), done.created_s);
}

ServedBytes bytes_of(ExportDesk& desk, std::shared_ptr<const TarArchive> archive,
                     const DoneExport& done) {
  ServedBytes bytes;
  bytes.tag = kArchiveTag + done.files->back().written.sha256.hex();
  bytes.size = archive->size();
  bytes.headers = headers_of("application/x-tar", done.experiment + ".tar");
  bytes.read = [&desk, archive = std::move(archive)](std::uint64_t offset, std::size_t count,
                                                     ServedBytes::Done on_read) {
    desk.with_files<std::string>(
        [archive, offset, count](rt::Files& files) { return archive->read(files, offset, count); },
        std::move(on_read));
  };
  return bytes;
}

}  // namespace

void send_export_file(ExportDesk& desk, const DoneExport& done, const ExportDesk::ListedFile& file,
                      const rt::HttpRequest& request,
                      std::shared_ptr<rt::HttpResponder> responder) {
  ServedBytes bytes;
  bytes.tag = file.written.sha256.hex();
  bytes.size = file.written.size;
  bytes.headers =
      headers_of("application/octet-stream", file.path.substr(file.path.rfind('/') + 1));
  bytes.read = [&desk, path = place_of(done, file)](std::uint64_t offset, std::size_t count,
                                                    ServedBytes::Done on_read) {
    desk.with_files<std::string>(
        [path, offset, count](rt::Files& files) { return files.read(path, offset, count); },
        std::move(on_read));
  };
  serve_bytes(std::move(bytes), request, std::move(responder));
}

void send_export_archive(ExportDesk& desk, DoneExport done, rt::HttpRequest request,
                         std::shared_ptr<rt::HttpResponder> responder) {
  auto shared = std::make_shared<const DoneExport>(std::move(done));
  desk.with_files<TarArchive>(
      [shared](rt::Files&) { return lay_out(*shared); },
      [&desk, shared, request = std::move(request),
       responder = std::move(responder)](Result<TarArchive> archive) {
        if (!archive) return responder->respond(error_response(archive.error()));
        auto laid_out = std::make_shared<const TarArchive>(*std::move(archive));
        serve_bytes(bytes_of(desk, std::move(laid_out), *shared), request, responder);
      });
}

}  // namespace fieldpost::coordinator
