#pragma once

#include <memory>
#include <string>

#include "coordinator/imports/import_source.h"

namespace fieldpost::coordinator {

/// Samples in Parquet, as exports have them. Rows before the place are read, and left out.
rt::Result<std::unique_ptr<ImportSource>> open_parquet_source(rt::Files& files,
                                                              const std::string& path);

}  // namespace fieldpost::coordinator
