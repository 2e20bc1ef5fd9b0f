#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/exports/export_desk.h"
#include "proto/rt/http.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kDownloadPieceBytes = 1 << 20;  ///< in memory at once, of one download

struct Download {
  std::string directory;           ///< of the files
  std::string blob_directory;      ///< of those that are bodies
  std::vector<std::string> files;  ///< below it, in order
  std::string prefix;              ///< before their names in an archive
  std::string name;                ///< as which a browser saves it
  std::int64_t time_s = 0;         ///< of all of them in an archive
  bool as_archive = false;         ///< otherwise it is the only file, as it is
};

/// Answers with the bytes, read piece by piece as the client takes them. `desk` outlives it.
void send_download(ExportDesk& desk, Download download,
                   std::shared_ptr<rt::HttpResponder> responder);

}  // namespace fieldpost::coordinator
