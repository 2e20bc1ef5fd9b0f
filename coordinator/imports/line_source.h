#pragma once

#include <memory>
#include <string>

#include "coordinator/imports/import_source.h"

namespace fieldpost::coordinator {

/// InfluxDB line protocol. Of files that `influx_inspect export` wrote, the statements at their
/// beginning (CREATE DATABASE …) are passed over; `#` begins a comment.
std::unique_ptr<ImportSource> open_line_source(rt::Files& files, const std::string& path,
                                               const ImportRequest& request,
                                               const ImportPlace& place);

}  // namespace fieldpost::coordinator
