#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "coordinator/exports/export_desk.h"
#include "proto/rt/http.h"

namespace fieldpost::coordinator {

/// An export that is done, to be sent.
struct DoneExport {
  std::string directory;       ///< of its files
  std::string blob_directory;  ///< of those that are bodies
  std::string experiment;      ///< id: names the archive, and the directory in it
  std::int64_t created_s = 0;  ///< of the experiment: the time of all entries
  ExportDesk::FileList files;
};

/// Answers with one of its files, as `serve_bytes` does: its tag is its SHA-256. `desk` outlives
/// it.
void send_export_file(ExportDesk& desk, const DoneExport& done, const ExportDesk::ListedFile& file,
                      const rt::HttpRequest& request, std::shared_ptr<rt::HttpResponder> responder);
/// The same with all of them as one tar archive. Its tag is that of the manifest, which has the
/// hashes of all other files.
void send_export_archive(ExportDesk& desk, DoneExport done, rt::HttpRequest request,
                         std::shared_ptr<rt::HttpResponder> responder);

}  // namespace fieldpost::coordinator
