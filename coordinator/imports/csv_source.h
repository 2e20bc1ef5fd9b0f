#pragma once

#include <memory>
#include <string>

#include "coordinator/imports/import_source.h"

namespace fieldpost::coordinator {

/// CSV: with a mapping, rows of anything; without one, samples as exports have them. Rows before
/// the place are read, and left out. kInvalid: the first row does not name the columns that are
/// needed.
rt::Result<std::unique_ptr<ImportSource>> open_csv_source(rt::Files& files, const std::string& path,
                                                          const ImportRequest& request);

}  // namespace fieldpost::coordinator
