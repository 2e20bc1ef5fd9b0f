#pragma once

#include <memory>
#include <string>

#include "coordinator/imports/import_source.h"

namespace fieldpost::coordinator {

/// Samples in JSON lines, as exports have them.
std::unique_ptr<ImportSource> open_json_source(rt::Files& files, const std::string& path,
                                               const ImportPlace& place);

}  // namespace fieldpost::coordinator
