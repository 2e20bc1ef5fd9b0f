#include "coordinator/imports/import_source.h"

#include "coordinator/imports/csv_source.h"
#include "coordinator/imports/json_source.h"
#include "coordinator/imports/line_source.h"
#include "coordinator/imports/parquet_source.h"

namespace fieldpost::coordinator {

rt::Result<std::unique_ptr<ImportSource>> open_import_source(rt::Files& files,
                                                             const std::string& path,
                                                             const ImportRequest& request,
                                                             const ImportPlace& place) {
  switch (request.format) {
    case ImportFormat::kParquet: return open_parquet_source(files, path);
    case ImportFormat::kCsv: return open_csv_source(files, path, request);
    case ImportFormat::kJsonLines: return open_json_source(files, path, place);
    case ImportFormat::kLineProtocol: return open_line_source(files, path, request, place);
    case ImportFormat::kArchive: break;
  }
  return rt::Error{rt::Errc::kInvalid, "an archive has files of its own"};
}

}  // namespace fieldpost::coordinator
